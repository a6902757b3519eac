//! One transaction that lets a lease go on: lock, read the clocks, see that it is charged still, charge it anew, commit.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::clock::{DatabaseClock, LedgerClock, boot_now};
use super::reserve::{Replica, entries, open, turn};
use crate::domain::canary::Subject;
use crate::domain::ledger::page::Page;
use crate::domain::ledger::renewal::Renewal;
use crate::domain::ledger::work::Work;
use crate::domain::models::Pattern;
use crate::domain::time::{BootTime, Timestamp};
use crate::store;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::limit_ledgers;
use crate::store::limit_renewals::Carried;
use crate::store::renewal_rows::RenewalRows;

/// A lease that is to go on.
#[derive(Debug, Clone)]
pub struct Renewing {
    /// The boot of the replica that gave it.
    pub issuer: Uuid,
    /// Its number there.
    pub serial: u64,
    /// The version that it is of.
    pub version: Uuid,
    /// The model it was taken for; empty if none.
    pub model: String,
    /// What its outcome decides over, if it is a canary.
    pub canary: Option<Subject>,
    /// The provider that it tries, if it may be a trial: only its issuer knows.
    pub trial: Option<Subject>,
    /// What it holds.
    pub holdings: Vec<Renewal>,
    /// Within how long of now it is reported.
    pub report_within: Duration,
    /// When a report comes too late.
    pub until: Timestamp,
    /// What the issuer is to know of it, if that is another replica.
    pub news: Option<Vec<u8>>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// It goes on.
    Done,
    /// Nothing is charged for it any more, or its version is revoked.
    Gone,
    /// A limit of what is held does not count it: it is newer than the lease, or applies to its model or its key since.
    Uncounted,
    /// The database is not what the replica takes it for: nothing was done, and it has to be looked at first.
    Doubtful,
}

/// Lets a lease go on.
///
/// # Errors
/// When the transaction fails: whether it was committed is then not known, and the lease stays charged if it was.
pub async fn renew(
    pool: &PgPool,
    replica: Replica,
    clock: &DatabaseClock,
    renewing: &Renewing,
) -> store::Result<Renewed> {
    in_time(ANSWER_WITHIN, transact(pool, replica, clock, renewing)).await
}

async fn transact(
    pool: &PgPool,
    replica: Replica,
    clock: &DatabaseClock,
    renewing: &Renewing,
) -> store::Result<Renewed> {
    let sent = boot_now();
    let mut transaction = begin(pool, limit_ledgers::BEGIN).await?;
    let renewed = write(&mut *transaction, replica, clock, renewing, sent).await?;
    // What was written for a lease that does not go on is rolled back.
    if renewed == Renewed::Done {
        transaction.commit().await?;
    }
    Ok(renewed)
}

/// The transaction that was `sent` then, up to its commit, which only a lease that goes on needs.
///
/// # Errors
/// When a statement fails.
pub async fn write(
    rows: &mut impl RenewalRows,
    replica: Replica,
    clock: &impl LedgerClock,
    renewing: &Renewing,
    sent: BootTime,
) -> store::Result<Renewed> {
    let Some(asker) = replica.asker(rows).await? else {
        return Ok(Renewed::Doubtful);
    };
    let limits = renewing.holdings.iter().map(|h| h.limit);
    let works: Vec<Work> = limits.map(Work::silent).collect();
    let mut pages = open(rows, clock, &works, true).await?;
    let blocks = turn(&mut pages, &asker, clock, sent);
    let (issuer, serial) = (renewing.issuer, renewing.serial);
    let carried = rows
        .carried(issuer, serial, &evidence(renewing, &pages))
        .await?;
    let mut renewed = Vec::new();
    for page in pages.iter_mut().filter(|page| page.terming().is_some()) {
        let mut holdings = renewing.holdings.iter();
        let holding = holdings.find(|h| h.limit == page.work.limit);
        let goes_on = |h: &&Renewal| carried.contains(&h.limit) || page.only_counts();
        let Some(holding) = holding.filter(goes_on) else {
            return Ok(Renewed::Gone);
        };
        renewed.extend(page.renew(holding, issuer, renewing.report_within));
    }
    if is_uncounted(rows, renewing).await? {
        return Ok(Renewed::Uncounted);
    }
    if !keep_right(rows, renewing).await? {
        return Ok(Renewed::Gone);
    }
    // Whoever revokes it looks for leases that go on while nobody else has it.
    if !rows.hold_version(renewing.version).await? {
        return Ok(Renewed::Gone);
    }
    rows.advance(&entries(&pages)).await?;
    rows.insert(replica.boot_id, &blocks).await?;
    rows.prolong(issuer, &renewed).await?;
    rows.extend((issuer, serial), renewing.version, renewing.until)
        .await?;
    if let Some(news) = &renewing.news {
        rows.send(issuer, news).await?;
    }
    Ok(Renewed::Done)
}

/// Whether a limit of what is held applies to it that does not count it, as it came after the lease. Such a limit binds when all has ended
/// that it does not count, so that none of this goes on. Asked here, and not of memory: a replica that was stopped may not have heard of it.
async fn is_uncounted(rows: &mut impl RenewalRows, renewing: &Renewing) -> store::Result<bool> {
    let counted: Vec<Uuid> = renewing.holdings.iter().map(|h| h.limit).collect();
    let beside = rows.held_beside(renewing.version, &counted).await?;
    // A lease that names no model may be used for any.
    let model = renewing.model.as_str();
    let counts = |models: &Vec<Pattern>| {
        models.is_empty() || model.is_empty() || models.iter().any(|m| m.matches(model))
    };
    Ok(beside.iter().any(counts))
}

/// A canary that goes on keeps its right, and so does a trial. False where a canary's has ended: another may be out. What only may be a
/// trial goes on without one.
async fn keep_right(rows: &mut impl RenewalRows, renewing: &Renewing) -> store::Result<bool> {
    if let Some(subject) = &renewing.canary
        && !keep(rows, subject, renewing).await?
    {
        return Ok(false);
    }
    if let Some(subject) = &renewing.trial {
        keep(rows, subject, renewing).await?;
    }
    Ok(true)
}

/// Answers whether the issuer has the right still.
async fn keep(
    rows: &mut impl RenewalRows,
    subject: &Subject,
    renewing: &Renewing,
) -> store::Result<bool> {
    let held = rows.right(subject).await?;
    let Some(right) = held.filter(|right| right.boot_id == renewing.issuer) else {
        return Ok(false);
    };
    let right = right.going_on(renewing.report_within, rows.now().await?);
    rows.put_right(subject, &right).await
}

/// What has to be charged for the lease to go on.
fn evidence(renewing: &Renewing, pages: &[Page<'_>]) -> Vec<Carried> {
    let low = |limit: Uuid| {
        let page = pages.iter().find(|page| page.work.limit == limit);
        page.map(|page| page.entry.clocks.low)
    };
    let carried = |holding: &Renewal| {
        let (drawn, own) = holding.charges(renewing.issuer);
        Some(Carried {
            limit: holding.limit,
            drawn,
            own,
            ordinal: (holding.granted == 1).then_some(holding.draw.ordinal),
            low: low(holding.limit)?,
        })
    };
    renewing.holdings.iter().filter_map(carried).collect()
}
