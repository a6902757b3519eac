//! `keylease audit prune`, and what replicas do by themselves: old rows go in whole prefixes, under an anchor from which the rest verifies.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::hashes::{Chained, End};
use crate::domain::chain::{Chain, Hash, Head, Link};
use crate::domain::time::Timestamp;
use crate::store::audit_records::chained;
use crate::store::connection::{CHANGE_WITHIN, acquire, begin, in_time};
use crate::store::{audit_chains, cluster, lease_journal};
use crate::vault::change::BEGIN;
use crate::vault::{Change, Done, Result, Vault, Verb, Work};

/// The most rows that go in one transaction: writers of the same chain wait meanwhile.
const ROWS_MAX: i64 = 2_000;

/// The record that rows were removed.
#[derive(Debug)]
struct NotePruned {
    chain: Chain,
    rows: u64,
}

impl Vault {
    /// Removes rows of a kind of chain that are older than `age`, and records that. Gives how many went. A row that is not what was
    /// written stays, with all that follows it: it is evidence.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn prune_audit(self: &Arc<Self>, chain: Chain, age: Duration) -> Result<u64> {
        let listed = async {
            let mut conn = acquire(&self.pool).await?;
            let now = cluster::now(&mut conn).await?;
            Ok::<_, crate::vault::Error>((audit_chains::list(&mut conn, chain).await?, now))
        };
        let (rows, now) = in_time(CHANGE_WITHIN, listed).await?;
        let mut removed = 0;
        for row in rows
            .iter()
            .filter(|row| row.head.sequence > row.anchor.sequence)
        {
            loop {
                let pruned = self.prune_chain(chain, row.writer, now.before(age));
                let pruned = in_time(CHANGE_WITHIN, pruned).await?;
                removed += pruned.unsigned_abs();
                if pruned < ROWS_MAX {
                    break;
                }
            }
        }
        if removed > 0 {
            let change = Change::by_system("PruneAudit", "retention");
            let note = NotePruned {
                chain,
                rows: removed,
            };
            self.change(change, note).await?;
        }
        Ok(removed)
    }

    async fn prune_chain(&self, chain: Chain, writer: Uuid, before: Timestamp) -> Result<i64> {
        let key = &self.keys.audit;
        let mut conn = begin(&self.pool, BEGIN).await?;
        let Some(row) = audit_chains::lock(&mut conn, chain, writer).await? else {
            return Ok(0);
        };
        let anchor = End::Anchor.open(key, chain, writer, &row.anchor);
        let head = End::Head.open(key, chain, writer, &row.head);
        let Some((anchor, head)) = anchor.zip(head) else {
            return Ok(0);
        };
        let young = match chain {
            Chain::Changes => chained::first_since(&mut conn, writer, before).await?,
            Chain::Leases => lease_journal::first_since(&mut conn, writer, before).await?,
        };
        let last = young.map_or(head.sequence, |young| young - 1);
        let last = last
            .min(head.sequence)
            .min(anchor.sequence.saturating_add(ROWS_MAX));
        if last <= anchor.sequence {
            return Ok(0);
        }
        let Some(end) = self
            .proven(&mut conn, (chain, writer), anchor, last)
            .await?
        else {
            tracing::error!(
                audit.chain = chain.as_str(),
                audit.writer = %writer,
                "old rows of the audit are not what was written, so they stay: `keylease audit verify` says which"
            );
            return Ok(0);
        };
        match chain {
            Chain::Changes => chained::remove(&mut conn, writer, last).await?,
            Chain::Leases => lease_journal::remove(&mut conn, writer, last).await?,
        }
        let signed = End::Anchor.sign(key, chain, writer, end);
        audit_chains::anchor(&mut conn, chain, writer, &signed).await?;
        conn.commit().await?;
        Ok(last - anchor.sequence)
    }

    /// The end of the rows behind an anchor up to `last`, if each is what was written.
    async fn proven(
        &self,
        conn: &mut PgConnection,
        (chain, writer): (Chain, Uuid),
        anchor: Head,
        last: i64,
    ) -> Result<Option<Head>> {
        let (place, rows_max) = ((anchor.sequence, i64::MAX), last - anchor.sequence);
        let key = &self.keys.audit;
        Ok(match chain {
            Chain::Changes => {
                let rows = chained::along(conn, writer, place, rows_max).await?;
                end_of(&rows, anchor, |row, link| row.holds(key, link))
            }
            Chain::Leases => {
                let rows = lease_journal::along(conn, writer, place, rows_max).await?;
                end_of(&rows, anchor, |row, link| row.holds(key, link))
            }
        }
        .filter(|end| end.sequence == last))
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

impl Verb for NotePruned {
    type Answer = ();

    async fn apply(self, _work: &mut Work<'_>) -> Result<Done<()>> {
        Ok(Done {
            answer: (),
            resource: format!("audit/{}", self.chain.as_str()),
            summary: format!("removed the {} oldest rows", self.rows),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
