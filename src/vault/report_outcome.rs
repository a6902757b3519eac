//! ReportOutcome: what became of a lease. Does no IO unless the fleet must know, or another replica gave the lease.

use std::time::Duration;

use super::Vault;
use super::blaming::each_once;
use super::opened::Opened;
use crate::domain::caller::Caller;
use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Advice, Failure};
use crate::domain::health::Health;
use crate::domain::outcome::Outcome;
use crate::domain::time::{BootTime, Timestamp};
use crate::live::choose::Now;
use crate::live::reports::Entry;

/// A retry that states no delay waits this long, so that a broken provider is not hammered.
const RETRY_LATER: Duration = Duration::from_secs(1);

/// A report.
#[derive(Debug)]
pub struct ReportOutcome {
    /// From LeaseKey.
    pub lease_id: String,
    /// Numbers the reports of one lease.
    pub sequence: u32,
    /// What was seen.
    pub outcomes: Vec<Outcome>,
    /// No more will come.
    pub is_final: bool,
}

/// What was made of a report.
#[derive(Debug)]
pub struct Reported {
    /// One for each outcome.
    pub verdicts: Vec<Verdict>,
    /// Whether it counted: nothing was changed if not.
    pub entry: Entry,
}

/// What was made of one outcome.
#[derive(Debug)]
pub struct Verdict {
    /// The failure, if it was one.
    pub failure: Option<Failure>,
    /// The version's health after this.
    pub health: Health,
    /// How long to wait before the next step.
    pub after: Option<Duration>,
    /// Avoids what was blamed.
    pub retry_token: Option<String>,
}

/// Why a report is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportRefusal {
    /// Malformed, forged, or of another cluster.
    LeaseIdInvalid,
    /// The lease is another caller's.
    LeaseForeign,
    /// It came too late.
    LeaseExpired {
        /// When the lease ended.
        at: Timestamp,
    },
    /// More uses than are left.
    TooMany {
        /// As many are.
        left: u32,
    },
    /// Too many leases are being reported in parts. What it says of the key and the account acts all the same.
    Full,
    /// A verdict could not be committed: the same report can come again.
    DatabaseUnreachable,
}

impl Vault {
    /// Takes a report.
    ///
    /// # Errors
    /// Why it is not taken; nothing is changed then, but where a verdict could not be committed, which the same report does when it comes
    /// again, and where there is no room to count it: what it says of the key and the account acts all the same.
    pub async fn report_outcome(
        &self,
        caller: &Caller,
        report: &ReportOutcome,
    ) -> Result<Reported, ReportRefusal> {
        let Now {
            boot,
            database: now,
        } = self.live.now();
        let lease = self.open_lease(caller, &report.lease_id, now).await?;
        if lease.issuer != self.live.boot_id && self.live.outbox.is_full() {
            return Err(ReportRefusal::DatabaseUnreachable);
        }
        let entry = self.enter(&lease, report, boot)?;
        let is_new = matches!(entry, Entry::New(_));
        // A repetition owes what it owed the first time.
        let acts = is_new || entry == Entry::Full;
        let before = acts.then(|| self.unsaved(&lease.claims));
        let mut outcomes = self.explain(&lease.claims, &report.outcomes, now);
        if entry == Entry::Full {
            let uncounted = outcomes.iter();
            uncounted.for_each(|outcome| self.act_uncounted(&lease, outcome, now));
            if self.owes(&lease.claims, before.as_ref()) {
                self.commit_verdicts(&lease).await?;
            }
            return Err(ReportRefusal::Full);
        }
        self.price(&lease.claims, &mut outcomes, now);
        let new = each_once(&outcomes).filter(|_| is_new);
        new.for_each(|outcome| self.act(&lease, outcome, now));
        let failures: Vec<_> = outcomes.iter().map(|o| o.failure().cloned()).collect();
        // Before anything is awaited: should the verdict not be committed, a repetition of the report finds it counted.
        if let Entry::New(ending) = entry {
            self.time(&lease.claims, &report.outcomes);
            self.settle(&lease, report, &outcomes, ending);
            // What is left, by these answers, is less what is under way still.
            self.hear(&lease, &report.outcomes, &outcomes, now);
        }
        if self.owes(&lease.claims, before.as_ref()) {
            self.commit_verdicts(&lease).await?;
        }
        self.take_canary_back(&lease);
        self.take_trial_back(&lease);
        let health = self.health_of(&lease.claims, now);
        let verdict = |failure: Option<Failure>| {
            let failure = failure.map(|failure| self.advise(&lease.claims, failure, now));
            self.verdict(&lease.claims, failure, &health, now)
        };
        Ok(Reported {
            verdicts: failures.into_iter().map(verdict).collect(),
            entry,
        })
    }

    /// Counts the report, once: at the issuer for good; elsewhere among the reports that came here, until the issuer counts it.
    fn enter(
        &self,
        lease: &Opened,
        report: &ReportOutcome,
        now: BootTime,
    ) -> Result<Entry, ReportRefusal> {
        let outcomes = report.outcomes.iter().map(|o| (o.count, o.start()));
        let claimed = lease.claimed(report.sequence, report.is_final, outcomes);
        match self.live.reports_of(lease.issuer).enter(&claimed, now) {
            entry @ (Entry::New(_) | Entry::Duplicate | Entry::Exhausted | Entry::Full) => {
                Ok(entry)
            }
            Entry::TooMany(left) => Err(ReportRefusal::TooMany { left }),
            Entry::Forgotten => Err(ReportRefusal::LeaseExpired { at: lease.ends }),
        }
    }

    /// Keeps how long the provider took.
    fn time(&self, claims: &LeaseClaims, outcomes: &[Outcome]) {
        let timed = |outcome: &Outcome| Some((outcome.count, outcome.latency?));
        let mut timed = outcomes.iter().filter_map(timed).peekable();
        if timed.peek().is_none() {
            return;
        }
        let snapshot = self.live.snapshot();
        if let Some(pool) = snapshot.pools_by_uid.get(&claims.pool_uid) {
            timed.for_each(|(count, latency)| pool.live.took(count, latency));
        }
    }

    /// Says what is blamed and what to do next.
    fn verdict(
        &self,
        claims: &LeaseClaims,
        failure: Option<Failure>,
        health: &Health,
        now: Timestamp,
    ) -> Verdict {
        let retry_token = failure
            .as_ref()
            .and_then(|f| self.retry_token(claims, f, now));
        let after = failure.as_ref().and_then(|failure| match failure.advice {
            Advice::RetryOtherKey | Advice::DoNotRetry => None,
            Advice::RetrySameLater => Some(failure.retry_after.unwrap_or(RETRY_LATER)),
        });
        Verdict {
            failure,
            health: health.clone(),
            after,
            retry_token,
        }
    }

    /// The health of the version that was leased.
    fn health_of(&self, claims: &LeaseClaims, now: Timestamp) -> Health {
        let snapshot = self.live.snapshot();
        let version = snapshot.versions.get(&claims.version_uid);
        version.map_or_else(Health::default, |v| v.live.health(now))
    }
}
