//! One transaction that settles leases of replicas that are gone, in their place: read what was reported of them, take each report once,
//! give back what was not used, commit.

use std::collections::BTreeSet;

use sqlx::PgPool;
use uuid::Uuid;

use super::reserve::Replica;
use crate::domain::forwarded::Forwarded;
use crate::domain::ledger::block::Draw;
use crate::domain::ledger::takeover::{inherited, settle};
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, block_id};
use crate::domain::limit::Dimension;
use crate::store;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::estate_rows::EstateRows;
use crate::store::foreign_reports::Orphan;
use crate::store::limit_ledgers;
use crate::store::replicas::GONE;

/// The most reports in one transaction.
const REPORTS_MAX: usize = 200;

/// A report that was settled for its issuer.
#[derive(Debug)]
pub struct Inherited {
    /// Who gave the lease.
    pub issuer: Uuid,
    /// The report.
    pub report: Forwarded,
    /// What goes back, from each limit that is known here.
    returns: Vec<(Uuid, Draw, u64)>,
}

/// Settles some leases: those that were settled by this alone, or `None` if there was nothing to do. `dimension` is that of a limit of
/// an account, as far as they are known.
///
/// # Errors
/// When the transaction fails: what it settled, if it was committed, is not settled again.
pub async fn take_over(
    pool: &PgPool,
    replica: Replica,
    dimension: impl Fn(Uuid, Uuid) -> Option<Dimension>,
) -> store::Result<Option<Vec<Inherited>>> {
    in_time(ANSWER_WITHIN, transact(pool, replica, dimension)).await
}

async fn transact(
    pool: &PgPool,
    replica: Replica,
    dimension: impl Fn(Uuid, Uuid) -> Option<Dimension>,
) -> store::Result<Option<Vec<Inherited>>> {
    let mut transaction = begin(pool, limit_ledgers::BEGIN).await?;
    let inherited = write(&mut *transaction, replica, dimension).await?;
    if inherited.is_some() {
        transaction.commit().await?;
    }
    Ok(inherited)
}

/// The transaction, up to its commit; `None` if there is nothing to commit.
///
/// # Errors
/// When a statement fails.
pub async fn write(
    rows: &mut impl EstateRows,
    replica: Replica,
    dimension: impl Fn(Uuid, Uuid) -> Option<Dimension>,
) -> store::Result<Option<Vec<Inherited>>> {
    if replica.asker(rows).await?.is_none() {
        return Ok(None);
    }
    let orphans = rows.orphans(GONE, REPORTS_MAX as i64).await?;
    let orphans: Vec<_> = orphans
        .into_iter()
        .filter(|o| o.issuer != replica.boot_id)
        .collect();
    if orphans.is_empty() {
        return Ok(None);
    }
    let (reports, mut inherited) = inherit(orphans, dimension);
    let leases = inherited.iter().map(Inherited::lease).collect();
    let mut settled = rows.settled(&leases).await?;
    // What was reported in parts may have been written in another order than it was said: the last report ends it.
    inherited.sort_by_key(|inherited| inherited.report.is_final);
    inherited.retain(|inherited| {
        let settled = settled.get_mut(&inherited.lease());
        settled.is_some_and(|settled| settled.take_report(&inherited.report))
    });
    rows.note(&settled).await?;
    give_back(rows, &inherited).await?;
    rows.discard(&reports).await?;
    Ok(Some(inherited))
}

/// As many as one transaction may lock the limits of, and their rows. One that this release cannot read settles nothing: its lease keeps
/// its full charge.
fn inherit(
    orphans: Vec<Orphan>,
    dimension: impl Fn(Uuid, Uuid) -> Option<Dimension>,
) -> (Vec<i64>, Vec<Inherited>) {
    let mut limits = BTreeSet::new();
    let (mut rows, mut inherited) = (Vec::new(), Vec::new());
    for orphan in orphans {
        let one = Inherited::of(&orphan, &dimension);
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
async fn give_back(rows: &mut impl EstateRows, inherited: &[Inherited]) -> store::Result<()> {
    let returns = || {
        inherited
            .iter()
            .flat_map(|i| i.returns.iter().map(move |r| (i.issuer, r)))
    };
    let limits: BTreeSet<Uuid> = returns().map(|(_, (limit, ..))| *limit).collect();
    rows.lock(&limits.into_iter().collect::<Vec<_>>(), true)
        .await?;
    let of_blocks =
        || returns().map(|(issuer, (_, draw, back))| (block_id(issuer, draw.block), *draw, *back));
    let blocks: Vec<_> = of_blocks().map(|(block, ..)| block).collect();
    let mut estates = rows.estates(&blocks).await?;
    let taken = settle(&mut estates, of_blocks());
    rows.take_over(&taken.into_iter().collect::<Vec<_>>()).await
}

impl Inherited {
    fn lease(&self) -> (Uuid, u64) {
        (self.issuer, self.report.serial)
    }

    fn of(orphan: &Orphan, dimension: impl Fn(Uuid, Uuid) -> Option<Dimension>) -> Option<Self> {
        let report = Forwarded::decode(&orphan.report).ok()?;
        let account = report.claims.account_uid;
        let returns = inherited(&report, |limit| dimension(account, limit));
        Some(Self {
            issuer: orphan.issuer,
            returns,
            report,
        })
    }
}
