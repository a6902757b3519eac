//! Verdicts on their way to the fleet: committed before the report behind them is answered, or as soon as the database is back.

use std::sync::Arc;

use uuid::Uuid;

use super::Vault;
use super::report_outcome::ReportRefusal;
use super::telling::{tell_of_cooling, tell_of_health};
use crate::domain::claims::LeaseClaims;
use crate::domain::health::{Cause, Health};
use crate::live::owed::Judgement;
use crate::live::snapshot::{AccountEntry, VersionEntry};
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::{self, cluster, cooldowns, key_versions};

/// What the fleet must know of one version and its account.
struct News {
    judgement: Judgement,
    account: Arc<AccountEntry>,
    version: Option<Arc<VersionEntry>>,
    health: Option<Health>,
    cooling: Vec<(String, Cause)>,
}

impl Vault {
    /// Commits what the fleet must know, if anything: before the report is answered.
    pub(super) async fn commit_verdicts(&self, claims: &LeaseClaims) -> Result<(), ReportRefusal> {
        let judgement = Judgement {
            account_uid: claims.account_uid,
            version_uid: claims.version_uid,
        };
        let is_suspect = self.is_suspect(claims.version_uid);
        let committed = self.commit(judgement).await;
        if is_suspect && committed.is_ok() {
            self.live.suspects.note(claims.version_uid);
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
        Ok(())
    }

    /// Whether what is about to be committed takes out a version for good: by a caller's word alone, so far.
    fn is_suspect(&self, version: Uuid) -> bool {
        let snapshot = self.live.snapshot();
        let unsaved = snapshot
            .versions
            .get(&version)
            .and_then(|v| v.live.unsaved());
        matches!(unsaved, Some(Health::Dead(_)))
    }

    pub(super) async fn commit(&self, judgement: Judgement) -> store::Result<()> {
        let Some(news) = self.news(judgement) else {
            return Ok(());
        };
        // Looked at again at the next poll, also where it fails, or the call behind it goes away meanwhile.
        self.live.owed.note(judgement);
        self.save(&news).await?;
        news.saved();
        Ok(())
    }

    fn news(&self, judgement: Judgement) -> Option<News> {
        let snapshot = self.live.snapshot();
        let account = snapshot.accounts.get(&judgement.account_uid)?;
        let version = snapshot.versions.get(&judgement.version_uid);
        let health = version.and_then(|version| version.live.unsaved());
        let cooling = account.live.unsaved();
        let is_news = health.is_some() || !cooling.is_empty();
        is_news.then(|| News {
            judgement,
            account: Arc::clone(account),
            version: version.cloned(),
            health,
            cooling,
        })
    }

    /// In a task of its own: a report that is dropped must not cancel it half-way.
    async fn save(&self, news: &News) -> store::Result<()> {
        let pool = self.pool.clone();
        let Judgement {
            account_uid,
            version_uid,
        } = news.judgement;
        let (health, cooling) = (news.health.clone(), news.cooling.clone());
        let saving = async move {
            let mut transaction = begin(&pool, super::change::BEGIN).await?;
            let (rev, now) = cluster::next_rev(&mut transaction).await?;
            if let Some(health) = health {
                key_versions::judge(&mut transaction, version_uid, rev, &health, now).await?;
            }
            for (model, cause) in cooling {
                cooldowns::extend(&mut transaction, account_uid, &model, rev, &cause).await?;
            }
            transaction.commit().await
        };
        let task = tokio::spawn(in_time(ANSWER_WITHIN, saving));
        task.await.map_err(|_| store::Error::unanswered())?
    }
}

impl News {
    fn saved(&self) {
        if let Some((version, health)) = self.version.as_ref().zip(self.health.as_ref()) {
            version.live.saved(health);
            tell_of_health(&self.account, version, health);
        }
        for (model, cause) in &self.cooling {
            self.account.live.saved(model, cause);
            tell_of_cooling(&self.account, model, cause);
        }
    }
}
