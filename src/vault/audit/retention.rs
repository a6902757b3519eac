//! `keylease audit prune`, and what replicas do by themselves: old rows go in whole prefixes, under an anchor from which the rest verifies.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::hashes::{Chained, End};
use crate::crypto::MacKey;
use crate::domain::chain::{Chain, Hash, Head, Link};
use crate::domain::rows_left::Cut;
use crate::domain::time::Timestamp;
use crate::store::audit_records::chained;
use crate::store::connection::{CHANGE_WITHIN, acquire, in_time};
use crate::store::{self, audit_chains, cluster, lease_journal};
use crate::vault::error::{Error, Refusal};
use crate::vault::{Change, Done, Result, Vault, Verb, Work};

/// The most rows that go in one transaction: all changes and writers of the same chain wait meanwhile.
const ROWS_MAX: i64 = 2_000;

/// Who has rows removed, and why.
#[derive(Debug, Clone, Default)]
pub struct Pruner {
    /// Where from, as the audit says it; empty for a replica.
    pub source: String,
    /// Why.
    pub reason: String,
}

/// Rows that went.
struct Removed {
    /// The place of the first.
    first: i64,
    /// Of the last.
    last: i64,
    /// Of records of changes the number of the last.
    record: Option<i64>,
}

/// The oldest rows of a chain go, and that is on record with it.
#[derive(Debug, Clone, Copy)]
struct PruneChain {
    chain: Chain,
    writer: Uuid,
    before: Timestamp,
    age: Duration,
}

impl Vault {
    /// Removes rows of a kind of chain that are older than `age`, and records that. Gives how many went. A row that is not what was
    /// written stays, with all that follows it: it is evidence.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn prune_audit(
        self: &Arc<Self>,
        chain: Chain,
        age: Duration,
        by: &Pruner,
    ) -> Result<u64> {
        let listed = async {
            let mut conn = acquire(&self.pool).await?;
            let now = cluster::now(&mut conn).await?;
            Ok::<_, Error>((audit_chains::list(&mut conn, chain).await?, now))
        };
        let (rows, now) = in_time(CHANGE_WITHIN, listed).await?;
        let has_rows = |row: &&audit_chains::ChainRow| row.head.sequence > row.anchor.sequence;
        let mut removed = 0;
        for row in rows.iter().filter(has_rows) {
            let prune = PruneChain {
                chain,
                writer: row.writer,
                before: now.before(age),
                age,
            };
            removed += self.prune_chain(prune, row.anchor.sequence, by).await?;
        }
        Ok(removed)
    }

    async fn prune_chain(
        self: &Arc<Self>,
        prune: PruneChain,
        anchor: i64,
        by: &Pruner,
    ) -> Result<u64> {
        let mut removed = 0;
        // Most chains have nothing to remove, which is found out without holding anything up.
        let looked = async {
            let mut conn = acquire(&self.pool).await?;
            prune.first_young(&mut conn).await
        };
        if let Some(young) = in_time(CHANGE_WITHIN, looked).await?
            && young <= anchor + 1
        {
            return Ok(0);
        }
        loop {
            let mut change = Change::by_system("PruneAudit", &by.reason);
            change.source.clone_from(&by.source);
            match self.change(change, prune).await {
                Ok(rows) => removed += rows.unsigned_abs(),
                Err(Error::Refused(Refusal::NotFound { .. })) => return Ok(removed),
                Err(error) => return Err(error),
            }
        }
    }
}

impl PruneChain {
    /// The first place whose row stays for its age.
    async fn first_young(&self, conn: &mut PgConnection) -> store::Result<Option<i64>> {
        match self.chain {
            Chain::Changes => chained::first_since(conn, self.writer, self.before).await,
            Chain::Leases => lease_journal::first_since(conn, self.writer, self.before).await,
        }
    }

    /// Removes rows. Gives what went, if any did.
    async fn remove(&self, conn: &mut PgConnection, key: &MacKey) -> Result<Option<Removed>> {
        let Self { chain, writer, .. } = *self;
        let Some(row) = audit_chains::lock(conn, chain, writer).await? else {
            return Ok(None);
        };
        let anchor = End::Anchor.open(key, chain, writer, &row.anchor);
        let head = End::Head.open(key, chain, writer, &row.head);
        let Some((anchor, head)) = anchor.zip(head) else {
            return Ok(None);
        };
        let young = self.first_young(conn).await?;
        let last = young.map_or(head.sequence, |young| young - 1);
        let last = last
            .min(head.sequence)
            .min(anchor.sequence.saturating_add(ROWS_MAX));
        if last <= anchor.sequence {
            return Ok(None);
        }
        let Some((end, record)) = self.proven(conn, key, anchor, last).await? else {
            tracing::error!(
                audit.chain = chain.as_str(),
                audit.writer = %writer,
                "old rows of the audit are not what was written, so they stay: `keylease audit verify` says which"
            );
            return Ok(None);
        };
        match chain {
            Chain::Changes => chained::remove(conn, writer, last).await?,
            Chain::Leases => lease_journal::remove(conn, writer, last).await?,
        }
        let signed = End::Anchor.sign(key, chain, writer, end);
        audit_chains::anchor(conn, chain, writer, &signed).await?;
        Ok(Some(Removed {
            first: anchor.sequence + 1,
            last,
            record,
        }))
    }

    /// The end of the rows behind an anchor up to `last`, if each is what was written; and of records of changes the number of the last.
    async fn proven(
        &self,
        conn: &mut PgConnection,
        key: &MacKey,
        anchor: Head,
        last: i64,
    ) -> store::Result<Option<(Head, Option<i64>)>> {
        let (place, rows_max) = ((anchor.sequence, i64::MAX), last - anchor.sequence);
        let (end, record) = match self.chain {
            Chain::Changes => {
                let rows = chained::along(conn, self.writer, place, rows_max).await?;
                let numbers = rows.iter().map(|(record, _)| record.sequence);
                let end = end_of(&rows, anchor, |row, link| row.holds(key, link));
                (end, numbers.max())
            }
            Chain::Leases => {
                let rows = lease_journal::along(conn, self.writer, place, rows_max).await?;
                (
                    end_of(&rows, anchor, |row, link| row.holds(key, link)),
                    None,
                )
            }
        };
        let end = end.filter(|end| end.sequence == last);
        Ok(end.map(|end| (end, record)))
    }
}

fn end_of<R>(rows: &[(R, Link)], anchor: Head, holds: impl Fn(&R, &Link) -> bool) -> Option<Head> {
    rows.iter().try_fold(anchor, |end, (row, link)| {
        let follows = link.sequence == end.sequence + 1 && link.previous == end.hash;
        let hash = Hash::try_from(link.mac.as_slice()).ok()?;
        (follows && holds(row, link)).then_some(Head {
            sequence: link.sequence,
            hash,
        })
    })
}

impl Verb for PruneChain {
    /// How many rows went.
    type Answer = i64;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<i64>> {
        let resource = format!("audit/{}", self.chain.as_str());
        let Some(removed) = self.remove(work.conn, &work.keys.audit).await? else {
            return Err(Refusal::NotFound { resource }.into());
        };
        let Removed {
            first,
            last,
            record,
        } = removed;
        if let Some(sequence) = record {
            let writer = self.writer;
            work.cuts(Cut { writer, sequence });
        }
        Ok(Done {
            answer: last - first + 1,
            resource,
            summary: format!(
                "removed rows {first} to {last} of {}, which were older than {}",
                self.writer,
                humantime::format_duration(self.age)
            ),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<i64> {
        Ok(0)
    }
}
