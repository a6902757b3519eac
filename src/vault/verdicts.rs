//! What an outcome does: to the health of its version, to the cooldown of its account, and to the permits it used.

use super::report_outcome::{ReportOutcome, ReportRefusal};
use super::{Vault, opened::Opened};
use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{self, Blame, Failure};
use crate::domain::forwarded::Forwarded;
use crate::domain::health::{FailureClass, Health};
use crate::domain::judged::{Judged, Seen};
use crate::domain::ledger::block::Ending;
use crate::domain::ledger::settle::Lease;
use crate::domain::outcome::Outcome;
use crate::domain::pool::HealthPolicy;
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Event;
use crate::live::pool::Counted;
use crate::live::snapshot::{AccountEntry, VersionEntry};
use crate::store::{self, cluster, connection, cooldowns, key_versions};

impl Vault {
    /// Judges outcomes by the rules of the account's provider; of an account that is gone, by those for everybody.
    pub(super) fn explain(
        &self,
        claims: &LeaseClaims,
        outcomes: &[Outcome],
        now: Timestamp,
    ) -> Vec<Judged> {
        let Ok(book) = classify::built_in() else {
            return Vec::new();
        };
        let snapshot = self.live.snapshot();
        let account = snapshot.accounts.get(&claims.account_uid);
        let rules = account.map_or_else(
            || book.named(Profile::Generic.as_str()),
            |a| book.of_account(a.account.profile, &a.account.endpoint.base_url),
        );
        outcomes.iter().map(|o| o.judged(rules, now)).collect()
    }

    /// Lets a new outcome act on what is in memory. Failures in a row are counted by the issuer alone.
    pub(super) fn act(&self, lease: &Opened, outcome: &Judged, now: Timestamp) {
        let snapshot = self.live.snapshot();
        let claims = &lease.claims;
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid);
        let version = snapshot.versions.get(&claims.version_uid);
        let account = snapshot.accounts.get(&claims.account_uid);
        if let Some(pool) = pool {
            pool.live.count(outcome.count, counted(outcome));
        }
        // A version that is gone, or an account, has no health any more; its outcome is still explained.
        let (Some(version), Some(account)) = (version, account) else {
            return;
        };
        let policy = pool.map_or_else(HealthPolicy::default, |p| p.pool.health_policy);
        let is_issuer = lease.issuer == self.live.boot_id;
        match &outcome.seen {
            Seen::NotSent => {}
            Seen::Success => succeed(account, version, &policy, claims.is_canary, now),
            Seen::Failed { failure, why } => {
                let why = format!("{} ({why})", failure.class.as_str());
                cool(account, version, &claims.model, failure, &why, now);
                let event = event(account, version, failure, is_issuer);
                for _ in 0..times(failure, outcome.count) {
                    version.live.on(event, &policy, &why, now);
                }
            }
        }
        // Back, whatever it said: where it decided nothing, the next lease is a canary again.
        if claims.is_canary && is_issuer {
            version.live.recall_canary();
        }
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
        let saving = async move {
            let mut transaction = connection::begin(&pool, super::change::BEGIN).await?;
            let (rev, now) = cluster::next_rev(&mut transaction).await?;
            if let Some(health) = health {
                key_versions::judge(&mut transaction, version_uid, rev, &health, now).await?;
            }
            for (model, cause) in cooling {
                cooldowns::extend(&mut transaction, account_uid, &model, rev, &cause).await?;
            }
            transaction.commit().await
        };
        let task = tokio::spawn(connection::in_time(connection::ANSWER_WITHIN, saving));
        task.await.map_err(|_| store::Error::unanswered())?
    }

    /// Settles the permits: here if this replica gave the lease, else at the one that did.
    pub(super) fn settle(
        &self,
        lease: &Opened,
        report: &ReportOutcome,
        outcomes: Vec<Judged>,
        ending: Option<Ending>,
    ) {
        if lease.issuer == self.live.boot_id {
            self.settle_own(&lease.claims, &outcomes, ending);
            return;
        }
        let forwarded = Forwarded {
            serial: lease.serial,
            sequence: report.sequence,
            is_final: report.is_final,
            claims: lease.claims.clone(),
            outcomes,
        };
        self.live.outbox.send(lease.issuer, forwarded.encode());
    }

    /// Gives back what was not used, and charges what was used beyond the estimate.
    pub(super) fn settle_own(
        &self,
        claims: &LeaseClaims,
        outcomes: &[Judged],
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
        let parts: Vec<_> = outcomes.iter().map(Judged::part).collect();
        account
            .live
            .with_budget(|budget| budget.settle(lease, &parts, ending));
        self.live.ledger.note(std::slice::from_ref(&account.live));
    }
}

const fn counted(outcome: &Judged) -> Counted {
    match &outcome.seen {
        Seen::Failed { failure, .. } => Counted::Failure(failure.class),
        Seen::NotSent => Counted::NotSent,
        Seen::Success => Counted::Success,
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

/// Cools what a spent budget or a missing entitlement is blamed on. Where the lease named no model, nobody can tell the models apart:
/// a budget then cools the whole account, and an entitlement nothing.
fn cool(
    account: &AccountEntry,
    version: &VersionEntry,
    model: &str,
    failure: &Failure,
    why: &str,
    now: Timestamp,
) {
    let (class, stated) = (failure.class, failure.retry_after);
    let is_budget = matches!(class, FailureClass::Quota | FailureClass::RateLimit);
    let is_entitlement = class == FailureClass::ModelAccess && !model.is_empty();
    let is_account = class == FailureClass::Credential && failure.blame == Blame::Account;
    if !is_budget && !is_entitlement && !is_account {
        return;
    }
    match failure.blame {
        Blame::Account => account.live.blame("", class, stated, why, now),
        Blame::AccountModel => account.live.blame(model, class, stated, why, now),
        Blame::Key => version.live.blame("", class, stated, why, now),
        Blame::KeyModel => version.live.blame(model, class, stated, why, now),
        Blame::Request | Blame::Provider | Blame::Egress => {}
    }
}

/// What a failure says about the version.
fn event(
    account: &AccountEntry,
    version: &VersionEntry,
    failure: &Failure,
    is_issuer: bool,
) -> Event<'static> {
    match failure.class {
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
    }
}

/// Only what is counted is said as often as it was seen.
fn times(failure: &Failure, count: u32) -> u32 {
    let counted = [FailureClass::Unknown, FailureClass::ProviderFault];
    if counted.contains(&failure.class) {
        count
    } else {
        1
    }
}
