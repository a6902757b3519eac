//! One transaction of the ledger: lock, read the clocks, state what was used, sum what is charged, grant, commit.

use std::collections::HashMap;

use sqlx::PgPool;
use uuid::Uuid;

use super::Live;
use super::clock::{DatabaseClock, LedgerClock, boot_now};
use crate::domain::ledger::entry::{Asker, Entry};
use crate::domain::ledger::losable::Losable;
use crate::domain::ledger::page::{Free, NewBlock, Page};
use crate::domain::ledger::standing::Memory;
use crate::domain::ledger::work::{Answer, Work};
use crate::domain::time::BootTime;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::ledger_rows::LedgerRows;
use crate::store::{self, limit_ledgers};

mod believing;

use believing::believed;

/// What a replica is to the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Replica {
    /// Its boot id; its upper half marks its blocks.
    pub boot_id: Uuid,
    /// Replicas that live, itself included.
    pub live: u64,
    /// What it remembers of the database.
    pub memory: Memory,
    /// What the database may lose.
    pub losable: Losable,
}

impl Live {
    /// What this replica is to the ledger at `now`.
    #[must_use]
    pub fn as_replica(&self, now: BootTime) -> Replica {
        Replica {
            boot_id: self.boot_id,
            live: self.replicas(),
            memory: self.life.memory(),
            losable: self.life.losable(now),
        }
    }
}

impl Replica {
    /// As it asks in a transaction; `None` if the database is not what it takes it for, and has to be looked at first.
    pub(super) async fn asker(&self, rows: &mut impl LedgerRows) -> store::Result<Option<Asker>> {
        let standing = rows.look(self.boot_id).await?;
        let is_known = standing.finding(self.memory).is_none();
        Ok(is_known.then_some(Asker {
            boot_id: self.boot_id,
            live: self.live,
            loss: standing.loss,
            losable: self.losable,
        }))
    }
}

/// What came of a transaction.
#[derive(Debug)]
pub enum Reserved {
    /// For each limit whose row was locked, the answer to its ask.
    Done(Vec<(Uuid, Option<Answer>)>),
    /// The database is not what the replica takes it for: nothing was done, and it has to be looked at first.
    Doubtful,
}

/// Says what a replica has to say about some limits, at most [`LIMITS_PER_TRANSACTION`] of them, and answers what was granted. Limits
/// whose row somebody else holds are not in the answer, unless `wait`.
///
/// [`LIMITS_PER_TRANSACTION`]: crate::domain::ledger::work::LIMITS_PER_TRANSACTION
///
/// # Errors
/// When the transaction fails: whether it was committed is then not known, and blocks asked for stay charged if it was.
pub async fn reserve(
    pool: &PgPool,
    replica: Replica,
    clock: &DatabaseClock,
    works: &[Work],
    wait: bool,
) -> store::Result<Reserved> {
    in_time(ANSWER_WITHIN, transact(pool, replica, clock, works, wait)).await
}

async fn transact(
    pool: &PgPool,
    replica: Replica,
    clock: &DatabaseClock,
    works: &[Work],
    wait: bool,
) -> store::Result<Reserved> {
    // Validity counts from here: before anything is sent.
    let sent = boot_now();
    let mut transaction = begin(pool, limit_ledgers::BEGIN).await?;
    let conn = &mut *transaction;
    let Some(written) = write(conn, replica, clock, works, wait, sent).await? else {
        return Ok(Reserved::Doubtful);
    };
    transaction.commit().await?;
    Ok(Reserved::Done(written.answers(boot_now())))
}

/// What a transaction has written. It counts once that is committed.
#[derive(Debug)]
pub struct Written<'a> {
    pages: Vec<Page<'a>>,
    frees: HashMap<Uuid, Free>,
    sent: BootTime,
}

/// The transaction that was `sent` then, up to its commit; `None` if the database is not what the replica takes it for.
///
/// # Errors
/// When a statement fails.
pub async fn write<'a>(
    rows: &mut impl LedgerRows,
    replica: Replica,
    clock: &impl LedgerClock,
    works: &'a [Work],
    wait: bool,
    sent: BootTime,
) -> store::Result<Option<Written<'a>>> {
    let Some(asker) = replica.asker(rows).await? else {
        return Ok(None);
    };
    let mut pages = open(rows, clock, works, wait).await?;
    let mut blocks = turn(&mut pages, &asker, clock, sent);
    let stated = pages
        .iter()
        .flat_map(|page| page.stated(replica.boot_id, sent));
    rows.state_use(&stated.collect::<Vec<_>>()).await?;
    let mut charged = rows.charged(&entries(&pages)).await?;
    for page in &mut pages {
        let charged = charged.remove(&page.work.limit).unwrap_or_default();
        blocks.extend(page.decide(&asker, charged));
    }
    merge(rows, replica.boot_id, &pages).await?;
    rows.forget(&entries(&pages)).await?;
    rows.insert(replica.boot_id, &blocks).await?;
    let lacks: Vec<_> = pages.iter().filter_map(Page::lack).collect();
    let frees = rows.frees(&lacks).await?;
    tell(&mut pages, &frees);
    rows.advance(&entries(&pages)).await?;
    Ok(Some(Written { pages, frees, sent }))
}

/// Notes what those are told who are refused.
fn tell(pages: &mut [Page<'_>], frees: &HashMap<Uuid, Free>) {
    for page in pages {
        let free = frees.get(&page.work.limit).copied();
        page.tell(free.unwrap_or_default());
    }
}

impl Written<'_> {
    /// For each limit whose row was locked, the answer to its ask. `now` is when that is known to be committed.
    #[must_use]
    pub fn answers(&self, now: BootTime) -> Vec<(Uuid, Option<Answer>)> {
        let answer = |page: &Page<'_>| {
            let free = self.frees.get(&page.work.limit).copied();
            let answer = page.answer(free.unwrap_or_default(), self.sent, now);
            (page.work.limit, answer)
        };
        self.pages.iter().map(answer).collect()
    }
}

/// Locks the limits' rows and reads how they are configured, and the clock.
pub(super) async fn open<'a>(
    rows: &mut impl LedgerRows,
    clock: &impl LedgerClock,
    works: &'a [Work],
    wait: bool,
) -> store::Result<Vec<Page<'a>>> {
    let limits: Vec<Uuid> = works.iter().map(|w| w.limit).collect();
    let locked = rows.lock(&limits, wait).await?;
    let held: Vec<Uuid> = locked.iter().map(|(limit, _)| *limit).collect();
    let asked = clock.boot_now();
    let mut terming = rows.terms(&held).await?;
    for terming in terming.values() {
        clock.sample(terming.now, asked, clock.boot_now());
    }
    let works: HashMap<Uuid, &Work> = works.iter().map(|w| (w.limit, w)).collect();
    let page = |(limit, entry): (Uuid, Entry)| {
        let work = works.get(&limit)?;
        Some(Page::new(work, entry, terming.remove(&limit)))
    };
    Ok(locked.into_iter().filter_map(page).collect())
}

/// Moves the clocks of the limits on. Answers what is charged before anything is granted.
pub(super) fn turn(
    pages: &mut [Page<'_>],
    asker: &Asker,
    clock: &impl LedgerClock,
    sent: BootTime,
) -> Vec<NewBlock> {
    let mut blocks = Vec::new();
    for page in pages {
        let believed = believed(clock, page, asker.losable, sent);
        blocks.extend(page.turn(asker, believed, Uuid::now_v7));
    }
    blocks
}

/// Merges what old blocks of long windows are charged for.
async fn merge(rows: &mut impl LedgerRows, boot_id: Uuid, pages: &[Page<'_>]) -> store::Result<()> {
    for merging in pages.iter().filter_map(Page::merging) {
        let merged = merging.merge(&rows.old(&merging).await?, Uuid::now_v7);
        let of: Vec<Uuid> = merged.iter().flat_map(|merged| merged.of.clone()).collect();
        let into: Vec<_> = merged.iter().map(|merged| merged.into).collect();
        rows.remove(&of).await?;
        rows.insert(boot_id, &into).await?;
    }
    Ok(())
}

pub(super) fn entries(pages: &[Page<'_>]) -> Vec<(Uuid, Entry)> {
    pages
        .iter()
        .map(|page| (page.work.limit, page.entry))
        .collect()
}
