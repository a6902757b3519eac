//! Reports between replicas: what came here for others is written in batches; what came elsewhere for this one is taken up.

use uuid::Uuid;

use super::Vault;
use super::blaming::is_rejection;
use crate::domain::forwarded::Forwarded;
use crate::domain::prolonged::Prolonged;
use crate::live::clock::boot_now;
use crate::live::reports::Entry;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
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
            let rows_max = BATCH_MAX as i64;
            let taken = async {
                let mut conn = acquire(&self.pool).await?;
                foreign_reports::take(&mut conn, self.live.boot_id, rows_max).await
            };
            let reports = in_time(ANSWER_WITHIN, taken).await?;
            for report in &reports {
                self.receive(report).await;
            }
            if reports.len() < BATCH_MAX {
                return Ok(());
            }
        }
    }

    async fn receive(&self, bytes: &[u8]) {
        if let Ok(prolonged) = Prolonged::decode(bytes) {
            self.take_up_renewal(prolonged);
            return;
        }
        let Ok(report) = Forwarded::decode(bytes) else {
            tracing::warn!("a forwarded report is of a format this release does not read");
            return;
        };
        let now = self.live.now().database;
        let lease = self.opened(self.live.boot_id, report.serial, report.claims);
        let outcomes = report.outcomes.iter().map(|o| (o.count, o.start));
        let claimed = lease.claimed(report.sequence, report.is_final, outcomes);
        let reports = self.live.reports_of(self.live.boot_id);
        let Entry::New(ending) = reports.enter(&claimed, boot_now()) else {
            return;
        };
        for outcome in &report.outcomes {
            self.follow(&lease, outcome, now);
        }
        self.settle_own(&lease, true, &report.outcomes, ending);
        self.forget_replay(&lease, ending);
        // Failures in a row are counted here alone, so this may be the one that makes a verdict. One that can't be committed now is
        // tried again.
        let is_committed = self.commit_verdicts(&lease).await.is_ok();
        if is_committed {
            self.take_trial_back(&lease);
        }
        // A rejection is committed where it was reported, and its canary ends with that.
        if is_committed && !report.outcomes.iter().any(is_rejection) {
            self.take_canary_back(&lease);
        }
    }
}
