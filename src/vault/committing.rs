//! Verdicts on their way to the fleet: committed before the report behind them is answered, or as soon as the database is back.

use std::sync::Arc;

use uuid::Uuid;

use super::Vault;
use super::opened::Opened;
use super::report_outcome::ReportRefusal;
use super::telling::{tell_of_cooling, tell_of_health, tell_of_model};
use crate::domain::health::{Cause, Health};
use crate::domain::transition::Transition;
use crate::live::accusing::Refuted;
use crate::live::owed::{Decided, Judgement};
use crate::live::snapshot::{AccountEntry, VersionEntry};
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::{self, cluster};

mod writing;

use writing::{Standing, cools, end_right, model_cools, write_health};

/// What the fleet must know of one version and its account.
struct News {
    judgement: Judgement,
    account: Arc<AccountEntry>,
    version: Option<Arc<VersionEntry>>,
    health: Option<Transition>,
    /// By model; the empty one is the account as a whole.
    cooling: Vec<(String, Cause)>,
    /// Of single models of the version.
    models: Vec<(String, Cause)>,
}

/// What a report on a lease decides over.
fn judgement(lease: &Opened) -> Judgement {
    let claims = &lease.claims;
    Judgement {
        account_uid: claims.account_uid,
        version_uid: claims.version_uid,
        canary: claims.is_canary.then_some(Decided {
            issuer: lease.issuer,
            given: claims.given,
        }),
    }
}

impl Vault {
    /// Commits what the fleet must know, if anything: before the report is answered.
    pub(super) async fn commit_verdicts(&self, lease: &Opened) -> Result<(), ReportRefusal> {
        let judgement = judgement(lease);
        let is_suspect = self.is_suspect(judgement.version_uid);
        let mut committed = self.commit(judgement).await;
        if is_suspect && committed.is_ok() {
            self.live.suspects.note(judgement.version_uid);
        }
        let provider = {
            let snapshot = self.live.glance();
            let account = snapshot.account_for(judgement.account_uid, judgement.version_uid);
            account.map(|account| Arc::clone(&account.provider))
        };
        if let Some(provider) = provider.filter(|_| committed.is_ok()) {
            committed = self.commit_incidents(&provider).await;
        }
        committed.map_err(|error| {
            tracing::warn!(%error, "a verdict could not be committed, its report is refused until it can");
            ReportRefusal::DatabaseUnreachable
        })
    }

    /// What a report said acts here, and the fleet has to know of it, whatever becomes of the transaction that brought it.
    pub(super) fn owe(&self, lease: &Opened) {
        let judgement = judgement(lease);
        if self.news(judgement).is_some() {
            self.live.owed.note(judgement);
        }
    }

    /// Commits what could not be committed when it was reported: nobody may ever report it again, and nobody can clear what the fleet
    /// does not know.
    ///
    /// # Errors
    /// As every query; what is left is tried at the next call.
    pub async fn commit_owed(&self) -> store::Result<()> {
        for judgement in self.live.owed.all() {
            let is_suspect = self.is_suspect(judgement.version_uid);
            self.commit(judgement).await?;
            if is_suspect {
                self.live.suspects.note(judgement.version_uid);
            }
            if self.news(judgement).is_none() {
                self.live.owed.settled(judgement);
            }
        }
        self.commit_all_incidents().await
    }

    /// Whether what is about to be committed takes out a version for good: by a caller's word alone, so far.
    fn is_suspect(&self, version: Uuid) -> bool {
        let snapshot = self.live.snapshot();
        let unsaved = snapshot
            .versions
            .get(&version)
            .and_then(|v| v.live.unsaved());
        matches!(unsaved, Some(news) if matches!(news.to, Health::Dead(_)))
    }

    pub(super) async fn commit(&self, judgement: Judgement) -> store::Result<()> {
        let Some(news) = self.news(judgement) else {
            return Ok(());
        };
        // Looked at again at the next poll, also where it fails, or the call behind it goes away meanwhile.
        self.live.owed.note(judgement);
        let stands = self.save(&news).await?;
        let refuted = news.saved(stands);
        self.live.refuted(refuted);
        Ok(())
    }

    fn news(&self, judgement: Judgement) -> Option<News> {
        let snapshot = self.live.snapshot();
        let version = snapshot.versions.get(&judgement.version_uid);
        let account = snapshot.account_for(judgement.account_uid, judgement.version_uid)?;
        let health = version.and_then(|version| version.live.unsaved());
        let is_canarys = judgement.canary.is_some();
        let health = health.filter(|news| is_canarys || !news.needs_right());
        let cooling = account.live.unsaved();
        let models = version.map_or_else(Vec::new, |version| version.live.unsaved_models());
        let is_news = health.is_some() || !cooling.is_empty() || !models.is_empty();
        is_news.then(|| News {
            judgement,
            account: Arc::clone(account),
            version: version.cloned(),
            health,
            cooling,
            models,
        })
    }

    /// In a task of its own: a report that is dropped must not cancel it half-way.
    async fn save(&self, news: &News) -> store::Result<Option<Standing>> {
        let pool = self.pool.clone();
        let Judgement {
            version_uid,
            canary,
            ..
        } = news.judgement;
        let account_uid = news.account.account.meta.uid;
        let (health, cooling) = (news.health.clone(), news.cooling.clone());
        let models = news.models.clone();
        // Of two canaries of this replica, the one that is out decides.
        let out = |canary: Decided| {
            let version = news.version.as_ref()?;
            version.live.canary().out(canary.given)
        };
        let own = canary.filter(|canary| canary.issuer == self.live.boot_id);
        let own = own.map(out);
        let who = health.as_ref().map(|news| self.name_of(news.who));
        let who = who.unwrap_or_default();
        let saving = async move {
            let mut transaction = begin(&pool, super::change::BEGIN).await?;
            let (rev, now) = cluster::next_rev(&mut transaction).await?;
            let mut stands = None;
            if let Some(news) = health {
                let conn = &mut *transaction;
                let may_revive = match canary {
                    Some(canary) => end_right(conn, version_uid, (canary, own)).await?,
                    None => true,
                };
                let news = (&news, who.as_str(), may_revive);
                stands = write_health(conn, version_uid, news, (rev, now)).await?;
            }
            for (model, cause) in cooling {
                cools(&mut transaction, account_uid, (&model, cause), (rev, now)).await?;
            }
            for (model, cause) in models {
                model_cools(&mut transaction, version_uid, (&model, cause), (rev, now)).await?;
            }
            transaction.commit().await?;
            Ok(stands)
        };
        let task = tokio::spawn(in_time(ANSWER_WITHIN, saving));
        task.await.map_err(|_| store::Error::unanswered())?
    }
}

impl News {
    /// All of it is committed, and the version stands like this. Answers what word has been refuted by that, if any.
    fn saved(&self, stands: Option<Standing>) -> Option<Refuted> {
        let mut refuted = None;
        if let Some((version, news)) = self.version.as_ref().zip(self.health.as_ref()) {
            version.live.saved(news);
            if let Some(stands) = stands {
                let Standing {
                    health, is_news, ..
                } = stands;
                refuted = version.live.told(&health, stands.recovered);
                if is_news {
                    tell_of_health(&self.account, version, &health);
                }
            }
        }
        for (model, cause) in &self.cooling {
            self.account.live.saved(model, cause);
            tell_of_cooling(&self.account, model, cause);
        }
        if let Some(version) = &self.version {
            for (model, cause) in &self.models {
                version.live.saved_model(model, cause);
                tell_of_model(&self.account, version, model, cause);
            }
        }
        refuted
    }
}
