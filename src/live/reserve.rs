//! One transaction of the ledger: lock, read the clocks, state what was used, sum what is charged, grant, commit.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Live;
use super::clock::{DatabaseClock, boot_now};
use crate::domain::ledger::clock::{Believed, Clocks};
use crate::domain::ledger::entry::{Asker, Entry};
use crate::domain::ledger::page::Page;
use crate::domain::ledger::standing::Memory;
use crate::domain::ledger::work::{Answer, Work};
use crate::domain::time::BootTime;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::{self, incarnations, limit_blocks, limit_ledgers, limit_merges};

/// What a replica is to the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Replica {
    /// Its boot id; its upper half marks its blocks.
    pub boot_id: Uuid,
    /// Replicas that live, itself included.
    pub live: u64,
    /// What it remembers of the database.
    pub memory: Memory,
}

impl Live {
    /// What this replica is to the ledger now.
    #[must_use]
    pub fn as_replica(&self) -> Replica {
        Replica {
            boot_id: self.boot_id,
            live: self.replicas(),
            memory: self.life.memory(),
        }
    }
}

impl Replica {
    /// As it asks in a transaction; `None` if the database is not what it takes it for, and has to be looked at first.
    pub(super) async fn asker(&self, conn: &mut PgConnection) -> store::Result<Option<Asker>> {
        let standing = incarnations::look(conn, self.boot_id).await?;
        let is_known = standing.finding(self.memory).is_none();
        Ok(is_known.then_some(Asker {
            boot_id: self.boot_id,
            live: self.live,
            loss: standing.loss,
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
    let Some(asker) = replica.asker(conn).await? else {
        return Ok(Reserved::Doubtful);
    };
    let mut pages = open(conn, clock, works, wait).await?;
    let mut blocks = Vec::new();
    for page in &mut pages {
        let believed = believed(clock, page, sent);
        blocks.extend(page.turn(&asker, believed, Uuid::now_v7));
    }
    let stated = pages
        .iter()
        .flat_map(|page| page.stated(replica.boot_id, sent));
    limit_blocks::state_use(conn, &stated.collect::<Vec<_>>()).await?;
    let mut charged = limit_blocks::charged(conn, &entries(&pages)).await?;
    for page in &mut pages {
        let charged = charged.remove(&page.work.limit).unwrap_or_default();
        blocks.extend(page.decide(&asker, charged));
    }
    merge(conn, replica.boot_id, &pages).await?;
    limit_ledgers::advance(conn, &entries(&pages)).await?;
    limit_blocks::forget(conn, &entries(&pages)).await?;
    limit_blocks::insert(conn, replica.boot_id, &blocks).await?;
    let lacks: Vec<_> = pages.iter().filter_map(Page::lack).collect();
    let frees = limit_blocks::frees(conn, &lacks).await?;
    transaction.commit().await?;
    let answer = |page: &Page<'_>| {
        let limit = page.work.limit;
        (
            limit,
            page.answer(
                frees.get(&limit).copied().unwrap_or_default(),
                sent,
                boot_now(),
            ),
        )
    };
    Ok(Reserved::Done(pages.iter().map(answer).collect()))
}

/// Locks the limits' rows and reads how they are configured, and the clock.
pub(super) async fn open<'a>(
    conn: &mut PgConnection,
    clock: &DatabaseClock,
    works: &'a [Work],
    wait: bool,
) -> store::Result<Vec<Page<'a>>> {
    let limits: Vec<Uuid> = works.iter().map(|w| w.limit).collect();
    let locked = limit_ledgers::lock(conn, &limits, wait).await?;
    let held: Vec<Uuid> = locked.iter().map(|(limit, _)| *limit).collect();
    let asked = boot_now();
    let mut terming = limit_ledgers::terms(conn, &held).await?;
    for terming in terming.values() {
        clock.sample(terming.now, asked, boot_now());
    }
    let works: HashMap<Uuid, &Work> = works.iter().map(|w| (w.limit, w)).collect();
    let page = |(limit, entry): (Uuid, Entry)| {
        let work = works.get(&limit)?;
        Some(Page::new(work, entry, terming.remove(&limit)))
    };
    Ok(locked.into_iter().filter_map(page).collect())
}

/// Merges what old blocks of long windows are charged for.
async fn merge(conn: &mut PgConnection, boot_id: Uuid, pages: &[Page<'_>]) -> store::Result<()> {
    for merging in pages.iter().filter_map(Page::merging) {
        let rows = limit_merges::rows(conn, &merging).await?;
        let merged = merging.merge(&rows, Uuid::now_v7);
        let of: Vec<Uuid> = merged.iter().flat_map(|merged| merged.of.clone()).collect();
        let into: Vec<_> = merged.iter().map(|merged| merged.into).collect();
        limit_merges::remove(conn, &of).await?;
        limit_blocks::insert(conn, boot_id, &into).await?;
    }
    Ok(())
}

/// What the time can be for a limit; a deleted one has no clock.
pub(super) fn believed(clock: &DatabaseClock, page: &Page<'_>, sent: BootTime) -> Believed {
    let Clocks { high, low } = page.entry.clocks;
    let stands = Believed {
        least: high,
        most: low,
    };
    page.terming().map_or(stands, |terming| {
        let looks = (page.reach(), terming.terms.lead());
        clock.believed(page.work.limit, low, looks, sent)
    })
}

pub(super) fn entries(pages: &[Page<'_>]) -> Vec<(Uuid, Entry)> {
    pages
        .iter()
        .map(|page| (page.work.limit, page.entry))
        .collect()
}
