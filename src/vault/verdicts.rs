//! What an outcome does: to the health of its version, to the cooldown of its account, and to the permits it used.

use super::Vault;
use super::report_outcome::{Opened, ReportOutcome, ReportRefusal};
use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Blame, Failure, Observation, classify};
use crate::domain::forwarded::Forwarded;
use crate::domain::health::{FailureClass, Health};
use crate::domain::ledger::block::Ending;
use crate::domain::ledger::settle::Lease;
use crate::domain::outcome::Outcome;
use crate::domain::pool::HealthPolicy;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Event;
use crate::live::pool::Counted;
use crate::live::snapshot::{AccountEntry, VersionEntry};
use crate::store::{self, cluster, cooldowns, key_versions};

impl Vault {
    /// Explains an outcome and, if it is new, lets it act on what is in memory. Failures in a row are counted by the issuer alone.
    pub(super) fn judge(
        &self,
        lease: &Opened,
        outcome: &Outcome,
        is_new: bool,
        now: Timestamp,
    ) -> Option<Failure> {
        let failure = classify(&outcome.observation, now);
        if !is_new {
            return failure;
        }
        let snapshot = self.live.snapshot();
        let claims = &lease.claims;
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid);
        let version = snapshot.versions.get(&claims.version_uid);
        let account = snapshot.accounts.get(&claims.account_uid);
        if let Some(pool) = pool {
            pool.live
                .count(outcome.count, counted(outcome, failure.as_ref()));
        }
        // A version that is gone, or an account, has no health any more; its outcome is still explained.
        let (Some(version), Some(account)) = (version, account) else {
            return failure;
        };
        let policy = pool.map_or_else(HealthPolicy::default, |p| p.pool.health_policy);
        let is_issuer = lease.issuer == self.live.boot_id;
        match &failure {
            None if outcome.is_not_sent() => {}
            None => succeed(account, version, &policy, claims.is_canary, now),
            Some(failure) => fail(account, version, failure, &policy, is_issuer, outcome, now),
        }
        // Back, whatever it said: where it decided nothing, the next lease is a canary again.
        if claims.is_canary && is_issuer {
            version.live.recall_canary();
        }
        failure
    }

    /// Commits what the fleet must know, if anything: before the report is answered.
    pub(super) async fn commit_verdicts(&self, claims: &LeaseClaims) -> Result<(), ReportRefusal> {
        let snapshot = self.live.snapshot();
        let version = snapshot.versions.get(&claims.version_uid);
        let account = snapshot.accounts.get(&claims.account_uid);
        let (Some(version), Some(account)) = (version, account) else {
            return Ok(());
        };
        let health = version.live.unsaved();
        let cooling = account.live.unsaved();
        if health.is_none() && cooling.is_empty() {
            return Ok(());
        }
        let saved = self.save_verdicts(version, account, health.clone(), cooling.clone());
        if let Err(error) = saved.await {
            tracing::warn!(%error, "a verdict could not be committed, its report is refused until it can");
            return Err(ReportRefusal::DatabaseUnreachable);
        }
        if let Some(health) = &health {
            version.live.saved(health);
        }
        for (model, cause) in &cooling {
            account.live.saved(model, cause);
        }
        Ok(())
    }

    /// In a task of its own: a report that is dropped must not cancel it half-way.
    async fn save_verdicts(
        &self,
        version: &VersionEntry,
        account: &AccountEntry,
        health: Option<Health>,
        cooling: Vec<(String, crate::domain::health::Cause)>,
    ) -> store::Result<()> {
        let pool = self.pool.clone();
        let (version_uid, account_uid) = (version.version.meta.uid, account.account.meta.uid);
        let task = tokio::spawn(async move {
            let mut transaction = pool.begin_with(super::change::BEGIN).await?;
            let (rev, now) = cluster::next_rev(&mut transaction).await?;
            if let Some(health) = health {
                key_versions::judge(&mut transaction, version_uid, rev, &health, now).await?;
            }
            for (model, cause) in cooling {
                cooldowns::extend(&mut transaction, account_uid, &model, rev, &cause).await?;
            }
            transaction.commit().await?;
            Ok(())
        });
        task.await.map_err(|_| store::Error::unanswered())?
    }

    /// Settles the permits: here if this replica gave the lease, else at the one that did.
    pub(super) fn settle(&self, lease: &Opened, report: &ReportOutcome, ending: Option<Ending>) {
        if lease.issuer == self.live.boot_id {
            self.settle_own(&lease.claims, &report.outcomes, ending);
            return;
        }
        let forwarded = Forwarded {
            serial: lease.serial,
            sequence: report.sequence,
            is_final: report.is_final,
            claims: lease.claims.clone(),
            outcomes: report.outcomes.clone(),
        };
        self.live.outbox.send(lease.issuer, forwarded.encode());
    }

    /// Gives back what was not used, and charges what was used beyond the estimate.
    pub(super) fn settle_own(
        &self,
        claims: &LeaseClaims,
        outcomes: &[Outcome],
        ending: Option<Ending>,
    ) {
        let snapshot = self.live.snapshot();
        let Some(account) = snapshot.accounts.get(&claims.account_uid) else {
            return;
        };
        let lease = Lease {
            draws: &claims.draws,
            model: (!claims.model.is_empty()).then_some(claims.model.as_str()),
        };
        let parts: Vec<_> = outcomes.iter().map(Outcome::part).collect();
        account
            .live
            .with_budget(|budget| budget.settle(lease, &parts, ending));
        self.live.ledger.note(std::slice::from_ref(&account.live));
    }
}

fn counted(outcome: &Outcome, failure: Option<&Failure>) -> Counted {
    match failure {
        Some(failure) => Counted::Failure(failure.class),
        None if outcome.is_not_sent() => Counted::NotSent,
        None => Counted::Success,
    }
}

fn succeed(
    account: &AccountEntry,
    version: &VersionEntry,
    policy: &HealthPolicy,
    is_canary: bool,
    now: Timestamp,
) {
    let event = Event::Success { is_canary };
    version.live.on(event, policy, "", now);
    account.live.succeed(now);
    account.provider.succeeded(version.version.meta.uid, now);
}

fn fail(
    account: &AccountEntry,
    version: &VersionEntry,
    failure: &Failure,
    policy: &HealthPolicy,
    is_issuer: bool,
    outcome: &Outcome,
    now: Timestamp,
) {
    let why = why(failure, outcome);
    if failure.blame == Blame::Account {
        let stated = failure.retry_after;
        account.live.blame("", failure.class, stated, &why, now);
    }
    let counted = [FailureClass::Unknown, FailureClass::ProviderFault];
    let event = match failure.class {
        FailureClass::Credential => Event::Rejected,
        FailureClass::Unknown if is_issuer => Event::Unexplained,
        FailureClass::ProviderFault if is_issuer => Event::ProviderFault {
            others_succeeded: account.provider.others_succeeded(version.version.meta.uid),
        },
        FailureClass::Unknown
        | FailureClass::ProviderFault
        | FailureClass::CallerFault
        | FailureClass::Quota
        | FailureClass::RateLimit
        | FailureClass::ModelAccess
        | FailureClass::RegionOrEgress => Event::Neutral,
    };
    let times = if counted.contains(&failure.class) {
        outcome.count
    } else {
        1
    };
    for _ in 0..times {
        version.live.on(event, policy, &why, now);
    }
}

/// A few words for people: never anything a provider or caller wrote.
fn why(failure: &Failure, outcome: &Outcome) -> String {
    let seen = match &outcome.observation {
        Observation::Http { status, .. } => format!("http {status}"),
        Observation::Transport(_) => "no answer".to_owned(),
        Observation::Success | Observation::NotSent => String::new(),
    };
    format!("{} ({seen})", failure.class.as_str())
}
