//! Verdicts on their way to the fleet: committed before the report behind them is answered, or as soon as the database is back.

use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Vault;
use super::opened::Opened;
use super::report_outcome::ReportRefusal;
use super::telling::{tell_of_cooling, tell_of_health, tell_of_model};
use crate::domain::canary::Subject;
use crate::domain::health::{Cause, Health};
use crate::domain::time::Timestamp;
use crate::domain::transition::Transition;
use crate::live::accusing::Refuted;
use crate::live::owed::Judgement;
use crate::live::snapshot::{AccountEntry, VersionEntry};
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::{
    self, canaries, cluster, cooldowns, health_changes, key_versions, version_cooldowns,
};

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

impl Vault {
    /// Commits what the fleet must know, if anything: before the report is answered.
    pub(super) async fn commit_verdicts(&self, lease: &Opened) -> Result<(), ReportRefusal> {
        let claims = &lease.claims;
        let judgement = Judgement {
            account_uid: claims.account_uid,
            version_uid: claims.version_uid,
            canary_issuer: claims.is_canary.then_some(lease.issuer),
        };
        let is_suspect = self.is_suspect(claims.version_uid);
        let mut committed = self.commit(judgement).await;
        if is_suspect && committed.is_ok() {
            self.live.suspects.note(claims.version_uid);
        }
        let provider = {
            let snapshot = self.live.glance();
            let account = snapshot.accounts.get(&judgement.account_uid);
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
        let account = snapshot.accounts.get(&judgement.account_uid)?;
        let version = snapshot.versions.get(&judgement.version_uid);
        let health = version.and_then(|version| version.live.unsaved());
        let is_canarys = judgement.canary_issuer.is_some();
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
            account_uid,
            version_uid,
            canary_issuer,
        } = news.judgement;
        let (health, cooling) = (news.health.clone(), news.cooling.clone());
        let models = news.models.clone();
        let who = health.as_ref().map(|news| self.name_of(news.who));
        let who = who.unwrap_or_default();
        let saving = async move {
            let mut transaction = begin(&pool, super::change::BEGIN).await?;
            let (rev, now) = cluster::next_rev(&mut transaction).await?;
            let mut stands = None;
            if let Some(news) = health {
                let conn = &mut *transaction;
                let may_revive = match canary_issuer {
                    Some(issuer) => end_right(conn, version_uid, issuer).await?,
                    None => true,
                };
                let news = (&news, who.as_str(), may_revive);
                stands = write_health(conn, version_uid, news, (rev, now)).await?;
            }
            for (model, cause) in cooling {
                cooldowns::extend(&mut transaction, account_uid, &model, rev, &cause).await?;
            }
            for (model, cause) in models {
                version_cooldowns::extend(&mut transaction, version_uid, &model, rev, &cause)
                    .await?;
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

/// The canary has decided, and its right ends. False where that had ended before: its success decides nothing, since another may be out.
async fn end_right(
    conn: &mut PgConnection,
    version_uid: Uuid,
    issuer: Uuid,
) -> store::Result<bool> {
    let subject = Subject::version(version_uid);
    let held = canaries::lock(conn, &subject).await?;
    let Some(right) = held.filter(|right| right.boot_id == issuer) else {
        return Ok(false);
    };
    canaries::end(conn, &subject, right.id).await?;
    Ok(true)
}

/// How a version stands once a verdict on it is committed.
struct Standing {
    health: Health,
    /// The verdict, or what it made of another.
    is_news: bool,
    /// When it became well after having been dead.
    recovered: Option<Timestamp>,
}

/// Writes a verdict, unless what is stored stands, and notes it in the version's history. `None` where the version is gone.
async fn write_health(
    conn: &mut PgConnection,
    version_uid: Uuid,
    (news, who, may_revive): (&Transition, &str, bool),
    (rev, at): (i64, Timestamp),
) -> store::Result<Option<Standing>> {
    let Some((stored, recovered)) = key_versions::lock_health(conn, version_uid).await? else {
        return Ok(None);
    };
    let to = news.onto(&stored, at);
    let Some(health) = to.filter(|to| may_revive || *to != Health::Active) else {
        return Ok(Some(Standing {
            health: stored,
            is_news: false,
            recovered,
        }));
    };
    key_versions::set_health(conn, version_uid, rev, &health, at).await?;
    health_changes::insert(conn, version_uid, (&stored, &health), who, at).await?;
    Ok(Some(Standing {
        recovered: (health == Health::Active).then_some(at),
        health,
        is_news: true,
    }))
}
