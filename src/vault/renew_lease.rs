//! RenewLease: a lease goes on, and what it holds stays charged. Any replica does it; what it did is committed before it answers.

use std::sync::Arc;
use std::time::Duration;

use super::Vault;
use super::opened::Opened;
use super::report_outcome::ReportRefusal;
use crate::domain::caller::Caller;
use crate::domain::canary::{SINGLE_RENEWED_MAX, Subject};
use crate::domain::claims::LeaseClaims;
use crate::domain::ledger::held::Renewed;
use crate::domain::ledger::renewal::{Renewal, goes_on_for};
use crate::domain::pool::LEASE_DURATION_MAX;
use crate::domain::prolonged::Prolonged;
use crate::domain::time::{BootTime, Timestamp};
use crate::live::clock::boot_now;
use crate::live::renew::{self, Renewing, renew};
use crate::live::renewals::Until;
use crate::store;

/// A lease that is to go on.
#[derive(Debug)]
pub struct RenewLease {
    /// From LeaseKey.
    pub lease_id: String,
    /// How much longer; as long as the lease was given for unless set.
    pub lease_duration: Option<Duration>,
}

/// Why a lease does not go on. Its end stays as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewRefusal {
    /// Malformed, foreign, or ended: no report on it would be taken either.
    Lease(ReportRefusal),
    /// All of it has been reported, its permits have gone back, or its version is revoked.
    Finished,
    /// It has gone on for as long as a lease may, or for as long as every limit counts it.
    Spent,
    /// The database cannot be reached to charge for it.
    DatabaseUnreachable,
}

impl Vault {
    /// Lets a lease go on. Answers within how long of the call it is to be reported.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn renew_lease(
        &self,
        caller: &Caller,
        call: &RenewLease,
    ) -> Result<Duration, RenewRefusal> {
        let now = self.live.now().database;
        let lease = self.open_lease(caller, &call.lease_id, now).await;
        let lease = lease.map_err(RenewRefusal::Lease)?;
        if self.is_finished(lease.issuer, lease.serial) {
            return Err(RenewRefusal::Finished);
        }
        self.know_limits_of(&lease.claims).await?;
        let renewing = self.renewing(&lease, call.lease_duration, now)?;
        let is_own = lease.issuer == self.live.boot_id;
        match self.commit_renewal(renewing.clone()).await {
            Ok(renew::Renewed::Done) => {}
            Ok(renew::Renewed::Gone) => return Err(RenewRefusal::Finished),
            Ok(renew::Renewed::Uncounted) => return Err(RenewRefusal::Spent),
            Ok(renew::Renewed::Doubtful) => {
                self.live.life.doubt();
                return Err(RenewRefusal::DatabaseUnreachable);
            }
            Err(error) => {
                tracing::warn!(%error, "a lease could not be renewed, it ends as it would have");
                return Err(RenewRefusal::DatabaseUnreachable);
            }
        }
        self.note(&renewing, now);
        if is_own && !self.goes_on(&lease, &renewing) {
            return Err(RenewRefusal::Finished);
        }
        Ok(renewing.report_within)
    }

    /// Another replica has renewed a lease of this one.
    pub(super) fn take_up_renewal(&self, prolonged: Prolonged) {
        let now = self.live.now().database;
        let (issuer, serial) = (self.live.boot_id, prolonged.serial);
        let lease = self.opened(issuer, serial, prolonged.claims);
        let renewing = Renewing {
            issuer,
            serial,
            version: lease.claims.version_uid,
            model: lease.claims.model.clone(),
            canary: None,
            trial: None,
            holdings: self.holdings(&lease.claims, serial),
            report_within: prolonged.report_within,
            until: now.after(prolonged.report_within),
            news: None,
        };
        self.note(&renewing, now);
        self.goes_on(&lease, &renewing);
    }

    fn note(&self, renewing: &Renewing, now: Timestamp) {
        let until = Until {
            database: renewing.until,
            boot: boot_now().after(renewing.until.since(now)),
        };
        let (issuer, serial) = (renewing.issuer, renewing.serial);
        self.live.renewals.note(issuer, serial, until, now);
    }

    /// How a lease goes on: no longer than any limit lets it hold permits, and than leases may last at all. It never ends sooner for it.
    fn renewing(
        &self,
        lease: &Opened,
        wanted: Option<Duration>,
        now: Timestamp,
    ) -> Result<Renewing, RenewRefusal> {
        let claims = &lease.claims;
        let wanted = wanted.unwrap_or(claims.report_within);
        let life = claims.given.after(self.renewable(lease)).since(now);
        let bounds = self.longest(claims).into_iter().chain([life]);
        let report_within =
            goes_on_for(wanted, bounds, lease.ends.since(now)).ok_or(RenewRefusal::Spent)?;
        let is_own = lease.issuer == self.live.boot_id;
        let news = Prolonged {
            serial: lease.serial,
            report_within,
            claims: claims.clone(),
        };
        Ok(Renewing {
            issuer: lease.issuer,
            serial: lease.serial,
            version: claims.version_uid,
            model: claims.model.clone(),
            canary: (claims.is_canary).then(|| Subject::version(claims.version_uid)),
            trial: self.trial_of(claims),
            holdings: self.holdings(claims, lease.serial),
            report_within,
            until: now.after(report_within),
            news: (!is_own).then(|| news.encode()),
        })
    }

    /// How long after it was given a lease may go on: one that everybody else waits for not for as long as another.
    fn renewable(&self, lease: &Opened) -> Duration {
        let snapshot = self.live.glance();
        let account = snapshot.accounts.get(&lease.claims.account_uid);
        let is_out = account.is_some_and(|a| a.provider.is_trial_out(lease.claims.given));
        let is_trial = is_out && lease.issuer == self.live.boot_id;
        if is_trial || lease.claims.is_canary {
            SINGLE_RENEWED_MAX
        } else {
            LEASE_DURATION_MAX
        }
    }

    /// The provider that a lease may be the trial of.
    fn trial_of(&self, claims: &LeaseClaims) -> Option<Subject> {
        let snapshot = self.live.glance();
        let provider = &snapshot.accounts.get(&claims.account_uid)?.provider;
        let may_be = claims.granted == 1 && provider.may_be_trial(claims.given);
        may_be.then(|| provider.trial().subject().clone())
    }

    /// In a task of its own: a call that is dropped must not cancel a commit.
    async fn commit_renewal(&self, renewing: Renewing) -> store::Result<renew::Renewed> {
        let (live, pool) = (Arc::clone(&self.live), self.pool.clone());
        let task = tokio::spawn(async move {
            renew(&pool, live.as_replica(boot_now()), &live.clock, &renewing).await
        });
        task.await.map_err(|_| store::Error::unanswered())?
    }

    /// The permits of a lease of this replica are charged anew from now on. False if it has been reported meanwhile.
    fn goes_on(&self, lease: &Opened, renewing: &Renewing) -> bool {
        let reports = self.live.reports_of(self.live.boot_id);
        reports.prolong(lease.serial, boot_now().after(renewing.report_within));
        let snapshot = self.live.snapshot();
        let Some(account) = snapshot.accounts.get(&lease.claims.account_uid) else {
            return true;
        };
        let (given, until) = (lease.claims.given, boot_now().after(renewing.report_within));
        account.provider.trial().prolong(given, until);
        if let Some(version) = snapshot.versions.get(&lease.claims.version_uid) {
            version.live.canary().prolong(given, until);
            version.live.out(renewing.until, until, boot_now());
        }
        let (caller, serial, granted) =
            (lease.claims.caller_uid, lease.serial, lease.claims.granted);
        let is_doubted = self.replayed.goes_on(caller, serial, until);
        let left = if is_doubted {
            granted
        } else {
            reports.left(serial, granted)
        };
        let now = boot_now();
        let renewed = |holding: &Renewal| (holding.limit, renewed(holding, renewing, left, now));
        let renewed: Vec<_> = renewing.holdings.iter().map(renewed).collect();
        let goes_on = account.live.with_budget(|budget| budget.renewed(&renewed));
        self.live.ledger.note(std::slice::from_ref(&account.live));
        goes_on
    }
}

fn renewed(holding: &Renewal, renewing: &Renewing, left: u32, now: BootTime) -> Renewed {
    Renewed {
        draw: holding.draw,
        number: holding.number,
        units: holding.units,
        left: holding.draw.units.saturating_mul(u64::from(left)),
        report_within: renewing.report_within,
        now,
    }
}
