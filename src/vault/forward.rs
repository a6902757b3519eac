//! Reports between replicas: what came here for others is written in batches; what came elsewhere for this one is taken up.

use uuid::Uuid;

use super::Vault;
use super::blaming::{each_once, is_rejection};
use super::opened::Opened;
use crate::domain::forwarded::Forwarded;
use crate::domain::prolonged::Prolonged;
use crate::live::clock::boot_now;
use crate::live::reports::Entry;
use crate::store::connection::{ANSWER_WITHIN, acquire, begin, in_time};
use crate::store::{self, foreign_reports};

/// The most reports in one transaction.
const BATCH_MAX: usize = 1_000;

impl Vault {
    /// Writes the reports that wait for other replicas. What cannot be written goes on waiting.
    ///
    /// # Errors
    /// As every query.
    pub async fn send_reports(&self) -> store::Result<()> {
        let waiting = self.live.outbox.take();
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (batch, behind) = rest.split_at(rest.len().min(BATCH_MAX));
            let written = in_time(ANSWER_WITHIN, self.write_reports(batch)).await;
            if let Err(error) = written {
                self.live.outbox.put_back(rest);
                return Err(error);
            }
            rest = behind;
        }
        Ok(())
    }

    async fn write_reports(&self, batch: &[(Uuid, Vec<u8>)]) -> store::Result<()> {
        let (issuers, reports): (Vec<_>, Vec<_>) = batch.iter().cloned().unzip();
        let mut conn = acquire(&self.pool).await?;
        foreign_reports::insert(&mut conn, &issuers, &reports).await
    }

    /// Takes up the reports that came elsewhere on leases of this replica.
    ///
    /// # Errors
    /// As every query.
    pub async fn receive_reports(&self) -> store::Result<()> {
        loop {
            let (count, leases) = in_time(ANSWER_WITHIN, self.take_up_reports()).await?;
            for (lease, is_rejected) in leases {
                // Failures in a row are counted here alone, so there may be a verdict. One that can't be committed now is tried again.
                if self.commit_verdicts(&lease).await.is_err() {
                    continue;
                }
                self.take_trial_back(&lease);
                // A rejection is committed where it was reported, and its canary ends with that.
                if !is_rejected {
                    self.take_canary_back(&lease);
                }
            }
            if count < BATCH_MAX {
                return Ok(());
            }
        }
    }

    /// Answers how many there were. Whatever becomes of the transaction: a report that comes again counts no more.
    async fn take_up_reports(&self) -> store::Result<(usize, Vec<(Opened, bool)>)> {
        let mut transaction = begin(&self.pool, foreign_reports::BEGIN).await?;
        let issuer = self.live.boot_id;
        let reports = foreign_reports::take(&mut transaction, issuer, BATCH_MAX as i64).await?;
        let leases = reports.iter().filter_map(|report| self.receive(report));
        let leases = leases.collect();
        transaction.commit().await?;
        Ok((reports.len(), leases))
    }

    /// Takes up what another replica wrote for this one; answers the lease on which a verdict may have to be committed, and
    /// whether its key was rejected.
    fn receive(&self, bytes: &[u8]) -> Option<(Opened, bool)> {
        if let Ok(prolonged) = Prolonged::decode(bytes) {
            self.take_up_renewal(prolonged);
            return None;
        }
        let Ok(report) = Forwarded::decode(bytes) else {
            tracing::warn!("a forwarded report is of a format this release does not read");
            return None;
        };
        let now = self.live.now().database;
        let lease = self.opened(self.live.boot_id, report.serial, report.claims);
        let outcomes = report.outcomes.iter().map(|o| (o.count, o.start));
        let claimed = lease.claimed(report.sequence, report.is_final, outcomes);
        let reports = self.live.reports_of(self.live.boot_id);
        let ending = match reports.enter(&claimed, boot_now()) {
            Entry::New(ending) => Some(ending),
            Entry::Exhausted if reports.enter_late(&claimed) => None,
            // There is no room to count it, but whoever sent it was answered: what was spent is recorded, and nothing goes back.
            Entry::Full => {
                self.charge_overuse(&lease.claims, &report.outcomes);
                return None;
            }
            Entry::Duplicate | Entry::Exhausted | Entry::TooMany(_) | Entry::Forgotten => {
                return None;
            }
        };
        for outcome in each_once(&report.outcomes) {
            self.follow(&lease, outcome, now);
        }
        match ending {
            Some(ending) => self.settle_own(&lease, true, &report.outcomes, ending),
            None => self.charge_overuse(&lease.claims, &report.outcomes),
        }
        self.owe(&lease);
        let is_rejected = report.outcomes.iter().any(is_rejection);
        Some((lease, is_rejected))
    }
}
