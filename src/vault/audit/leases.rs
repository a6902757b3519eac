//! Records of leases, written in batches by one task of each replica: one transaction for as many as have come in meanwhile.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::hashes::{Chained, End};
use super::writer::Writer;
use crate::domain::chain::{Chain, Head, Link};
use crate::domain::journal::JournalRecord;
use crate::live::clock::boot_now;
use crate::live::journal::Entry;
use crate::metric_names;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::{Result, audit_chains, cluster, lease_journal};
use crate::vault::Vault;
use crate::vault::change::BEGIN;
use crate::vault::trust::root;

/// The most records of one transaction: a statement that takes some tens of milliseconds.
const BATCH_MAX: usize = 2_000;
/// How often counts are written: all that there are, a batch after the other.
const COUNTS_EVERY: Duration = Duration::from_secs(5);
/// Between tries while the database does not take them.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// How long a replica that ends goes on trying.
const LAST_TRIES_MAX: Duration = Duration::from_secs(5);

/// A batch until it is known to be written, and the head that it makes once it was tried.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<Entry>,
    tried: Option<Head>,
}

impl Vault {
    /// Writes the journal until the replica ends, and then what is left.
    pub async fn write_journal(self: Arc<Self>, stop: CancellationToken) {
        let mut writer = Writer::new(self.live.boot_id);
        let mut line = self.live.journal.line().await;
        let mut ticks = interval(COUNTS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // From its boot on, so that what others have noted is noted here too. Where that fails the first record begins it.
        let mut nothing = Batch::default();
        let begun = self.commit_batch(writer, &mut nothing);
        if let Ok(begun) = in_time(ANSWER_WITHIN, begun).await {
            writer = begun;
        }
        let (mut is_last, mut has_counts) = (false, false);
        while !is_last {
            let mut batch = Batch::default();
            tokio::select! {
                biased;
                () = stop.cancelled() => is_last = true,
                _ = ticks.tick(), if !has_counts => has_counts = true,
                () = ready(()), if has_counts => {}
                _ = line.recv_many(&mut batch.entries, BATCH_MAX) => {}
            }
            if is_last {
                self.fill(&mut batch, &mut line, (usize::MAX, usize::MAX));
            } else if has_counts {
                // Whoever waits for the commit of a record does not wait for all counts.
                has_counts = self.fill(&mut batch, &mut line, (BATCH_MAX, BATCH_MAX));
            }
            // Whoever has given up waiting was refused: there is no such lease.
            batch
                .entries
                .retain(|entry| !entry.committed.as_ref().is_some_and(|c| c.is_closed()));
            if batch.entries.is_empty() {
                continue;
            }
            if is_last {
                let tried =
                    timeout(LAST_TRIES_MAX, self.write(&mut writer, &mut batch, None)).await;
                if tried.is_err() {
                    tracing::error!(
                        records = batch.entries.len(),
                        "the last records of leases could not be written"
                    );
                }
            } else {
                self.write(&mut writer, &mut batch, Some(&stop)).await;
            }
        }
    }

    /// Adds what waits to a batch, at most so many records and counts; true if there may be more counts.
    fn fill(
        &self,
        batch: &mut Batch,
        line: &mut mpsc::Receiver<Entry>,
        (records_max, counts_max): (usize, usize),
    ) -> bool {
        while batch.entries.len() < records_max
            && let Ok(entry) = line.try_recv()
        {
            batch.entries.push(entry);
        }
        let before = batch.entries.len();
        batch.entries.extend(self.counted(counts_max));
        batch.entries.len() - before == counts_max
    }

    fn counted(&self, counts_max: usize) -> impl Iterator<Item = Entry> {
        let counts = self.live.journal.take_counts(counts_max).into_iter();
        let since = boot_now();
        counts.map(move |record| Entry {
            record,
            since,
            committed: None,
        })
    }

    /// Writes a batch, however often that takes; while a replica ends it is left to the last tries.
    async fn write(
        &self,
        writer: &mut Writer,
        batch: &mut Batch,
        stop: Option<&CancellationToken>,
    ) {
        let oldest = batch.entries.iter().map(|entry| entry.since).min();
        self.live.journal.writes(oldest);
        let mut failed = 0_u32;
        let until = stop.map(|_| LAST_TRIES_MAX);
        let mut stopped = None;
        loop {
            match in_time(ANSWER_WITHIN, self.commit_batch(*writer, batch)).await {
                Ok(next) => {
                    *writer = next;
                    break;
                }
                Err(error) if failed == 0 => {
                    let cause = root(&error);
                    tracing::warn!(%error, cause, "the journal of leases cannot be written, it is tried again");
                }
                Err(_) => {}
            }
            failed = failed.saturating_add(1);
            if let (Some(stop), Some(until)) = (stop, until)
                && stop.is_cancelled()
                && stopped
                    .get_or_insert_with(std::time::Instant::now)
                    .elapsed()
                    > until
            {
                tracing::error!(
                    records = batch.entries.len(),
                    "records of leases could not be written before the end"
                );
                return;
            }
            sleep(RETRY_AFTER).await;
        }
        self.live.journal.writes(None);
        if failed > 0 {
            tracing::info!(tries = failed, "the journal of leases is written again");
        }
        for entry in batch.entries.drain(..) {
            counter!(metric_names::JOURNAL_RECORDS, "kind" => entry.record.kind()).increment(1);
            if let Some(committed) = entry.committed {
                // Whoever waited may have gone.
                let _ = committed.send(());
            }
        }
    }

    async fn commit_batch(&self, writer: Writer, batch: &mut Batch) -> Result<Writer> {
        let key = &self.keys.audit;
        let mut conn = begin(&self.pool, BEGIN).await?;
        let now = cluster::now(&mut conn).await?;
        let (id, mut head) = writer.locked(&mut conn, key, Chain::Leases, now).await?;
        // The try before was committed, and only its answer was lost.
        if batch.tried == Some(head) {
            return Ok(Writer {
                id,
                head: batch.tried,
            });
        }
        let mut rows: Vec<(&JournalRecord, Link)> = Vec::with_capacity(batch.entries.len());
        for entry in &batch.entries {
            let (link, next) = entry.record.behind(key, id, head);
            rows.push((&entry.record, link));
            head = next;
        }
        lease_journal::insert(&mut conn, &rows).await?;
        let signed = End::Head.sign(key, Chain::Leases, id, head);
        audit_chains::advance(&mut conn, Chain::Leases, id, &signed).await?;
        batch.tried = Some(head);
        conn.commit().await?;
        Ok(Writer {
            id,
            head: Some(head),
        })
    }
}
