//! Reports on leases of a replica that is gone: whoever finds them settles them in its place, each once.

use std::collections::BTreeSet;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Vault;
use crate::domain::forwarded::Forwarded;
use crate::domain::ledger::block::Draw;
use crate::domain::ledger::standing::Memory;
use crate::domain::ledger::takeover::{inherited, settle};
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, block_id};
use crate::live::snapshot::Snapshot;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::foreign_reports::Orphan;
use crate::store::replicas::GONE;
use crate::store::{
    self, Error, foreign_reports, incarnations, limit_blocks, limit_ledgers, settled,
};

/// The most reports in one transaction.
const REPORTS_MAX: usize = 200;

/// A report to be settled for its issuer.
#[derive(Debug)]
struct Inherited {
    issuer: Uuid,
    report: Forwarded,
    /// What goes back, from each limit that is known here.
    returns: Vec<(Uuid, Draw, u64)>,
}

impl Vault {
    /// Settles reports on leases of replicas that are gone, until there are none.
    ///
    /// # Errors
    /// As every query.
    pub async fn take_over_reports(&self) -> store::Result<()> {
        loop {
            let (pool, live) = (self.pool.clone(), std::sync::Arc::clone(&self.live));
            // In a task of its own: a commit is never cancelled.
            let task = tokio::spawn(async move {
                let (memory, snapshot) = (live.life.memory(), live.snapshot());
                let taking = take_over(&pool, live.boot_id, memory, &snapshot);
                in_time(ANSWER_WITHIN, taking).await
            });
            let taken = task.await.map_err(|_| Error::unanswered())??;
            let Some(new) = taken else { return Ok(()) };
            if !new.is_empty() {
                tracing::info!(
                    leases = new.len(),
                    "leases of a replica that is gone were settled in its place"
                );
            }
            for Inherited { report, .. } in &new {
                self.charge_overuse(&report.claims, &report.outcomes);
            }
        }
    }
}

/// One transaction: what was settled by it alone, or `None` if there was nothing to do.
async fn take_over(
    pool: &PgPool,
    boot_id: Uuid,
    memory: Memory,
    snapshot: &Snapshot,
) -> store::Result<Option<Vec<Inherited>>> {
    let mut transaction = begin(pool, limit_ledgers::BEGIN).await?;
    let conn = &mut *transaction;
    let standing = incarnations::look(conn, boot_id).await?;
    if standing.finding(memory).is_some() {
        return Ok(None);
    }
    let orphans = foreign_reports::orphans(conn, GONE, REPORTS_MAX as i64).await?;
    let orphans: Vec<_> = orphans
        .into_iter()
        .filter(|o| o.issuer != boot_id)
        .collect();
    if orphans.is_empty() {
        return Ok(None);
    }
    let (rows, mut inherited) = inherit(orphans, snapshot);
    let leases = inherited.iter().map(Inherited::lease).collect();
    let mut settled = settled::lock(conn, &leases).await?;
    inherited.retain(|inherited| {
        let settled = settled.get_mut(&inherited.lease());
        settled.is_some_and(|settled| settled.take_report(&inherited.report))
    });
    settled::note(conn, &settled).await?;
    give_back(conn, &inherited).await?;
    foreign_reports::remove(conn, &rows).await?;
    transaction.commit().await?;
    Ok(Some(inherited))
}

/// As many as one transaction may lock the limits of, and their rows. One that this release cannot read settles nothing: its lease keeps
/// its full charge.
fn inherit(orphans: Vec<Orphan>, snapshot: &Snapshot) -> (Vec<i64>, Vec<Inherited>) {
    let mut limits = BTreeSet::new();
    let (mut rows, mut inherited) = (Vec::new(), Vec::new());
    for orphan in orphans {
        let one = Inherited::of(&orphan, snapshot);
        let of_one = one.iter().flat_map(|one| &one.returns);
        let more: BTreeSet<_> = of_one.map(|(limit, ..)| *limit).collect();
        if !rows.is_empty() && limits.union(&more).count() > LIMITS_PER_TRANSACTION {
            break;
        }
        limits.extend(more);
        rows.push(orphan.id);
        inherited.extend(one);
    }
    (rows, inherited)
}

/// Lowers what the blocks are charged for, under the locks of their limits.
async fn give_back(conn: &mut PgConnection, inherited: &[Inherited]) -> store::Result<()> {
    let returns = || {
        inherited
            .iter()
            .flat_map(|i| i.returns.iter().map(move |r| (i.issuer, r)))
    };
    let limits: BTreeSet<Uuid> = returns().map(|(_, (limit, ..))| *limit).collect();
    limit_ledgers::lock(conn, &limits.into_iter().collect::<Vec<_>>(), true).await?;
    let of_blocks =
        || returns().map(|(issuer, (_, draw, back))| (block_id(issuer, draw.block), *draw, *back));
    let blocks: Vec<_> = of_blocks().map(|(block, ..)| block).collect();
    let mut estates = limit_blocks::estates(conn, &blocks).await?;
    let taken = settle(&mut estates, of_blocks());
    limit_blocks::take_over(conn, &taken.into_iter().collect::<Vec<_>>()).await
}

impl Inherited {
    fn lease(&self) -> (Uuid, u64) {
        (self.issuer, self.report.serial)
    }

    fn of(orphan: &Orphan, snapshot: &Snapshot) -> Option<Self> {
        let report = Forwarded::decode(&orphan.report).ok()?;
        // Of an account that is gone nothing goes back; what was spent is recorded all the same.
        let account = snapshot.accounts.get(&report.claims.account_uid);
        let returns = inherited(&report, |limit| {
            let mut limits = account?.limits.iter();
            limits.find(|l| l.uid == limit).map(|l| l.dimension)
        });
        Some(Self {
            issuer: orphan.issuer,
            returns,
            report,
        })
    }
}
