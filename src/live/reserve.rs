//! One transaction of the ledger: lock, read the clocks, state what was used, sum what is charged, grant, commit.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::clock::{DatabaseClock, boot_now};
use crate::domain::ledger::grant::grant;
use crate::domain::ledger::work::{Answer, Work};
use crate::domain::time::BootTime;
use crate::store;
use crate::store::limit_ledgers::{self, Charged, Locked, NewBlock, Terming};

/// What a replica is to the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Replica {
    /// Its boot id; its upper half marks its blocks.
    pub boot_id: Uuid,
    /// Replicas that live, itself included.
    pub live: u64,
}

/// The id of a block in the database, from its number at its replica.
#[must_use]
pub fn block_id(boot_id: Uuid, number: u64) -> Uuid {
    Uuid::from_u64_pair(boot_id.as_u64_pair().0, number)
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
) -> store::Result<Vec<(Uuid, Option<Answer>)>> {
    // Validity counts from here: before anything is sent.
    let sent = boot_now();
    let mut transaction = pool.begin_with(limit_ledgers::BEGIN).await?;
    let conn = &mut *transaction;
    let limits: Vec<Uuid> = works.iter().map(|w| w.limit).collect();
    let mut locked = limit_ledgers::lock(conn, &limits, wait).await?;
    let held: Vec<Uuid> = locked.iter().map(|l| l.limit_uid).collect();
    let terming = limit_ledgers::terms(conn, &held).await?;
    if let Some(first) = terming.first() {
        clock.sample(first.now, boot_now());
    }
    let works: HashMap<Uuid, &Work> = works.iter().map(|w| (w.limit, w)).collect();
    state_use(conn, replica, &works, &held).await?;
    let terming: HashMap<Uuid, Terming> = terming.into_iter().map(|t| (t.limit_uid, t)).collect();
    for row in &mut locked {
        if let Some(now) = terming.get(&row.limit_uid) {
            let believed = clock.believed(row.limit_uid, row.clocks.low, &now.terms, sent);
            row.clocks = row.clocks.advance(now.now, believed);
        }
    }
    let lows: Vec<_> = locked.iter().map(|l| l.clocks.low).collect();
    let charged = limit_ledgers::charged(conn, &held, &lows).await?;
    let charged: HashMap<Uuid, Charged> = charged.into_iter().map(|c| (c.limit_uid, c)).collect();
    let mut blocks = Vec::new();
    let mut answers = Vec::new();
    for row in &mut locked {
        let (work, now) = (works.get(&row.limit_uid), terming.get(&row.limit_uid));
        let charged = charged.get(&row.limit_uid);
        let (Some(work), Some(now)) = (work, now) else {
            answers.push((row.limit_uid, None));
            continue;
        };
        answers.push((
            row.limit_uid,
            decide(work, row, now, charged, replica, sent, &mut blocks),
        ));
    }
    limit_ledgers::advance(conn, &locked).await?;
    if !blocks.is_empty() {
        limit_ledgers::insert(conn, replica.boot_id, &blocks).await?;
    }
    transaction.commit().await?;
    Ok(answers)
}

async fn state_use(
    conn: &mut PgConnection,
    replica: Replica,
    works: &HashMap<Uuid, &Work>,
    held: &[Uuid],
) -> store::Result<()> {
    let mut ids = Vec::new();
    let mut used = Vec::new();
    let said = held.iter().filter_map(|limit| works.get(limit));
    for stated in said.flat_map(|work| &work.returns) {
        ids.push(block_id(replica.boot_id, stated.block));
        used.push(i64::try_from(stated.used).unwrap_or(i64::MAX));
    }
    if ids.is_empty() {
        return Ok(());
    }
    limit_ledgers::state_use(conn, &ids, &used).await
}

/// Grants what can be granted of one limit, and charges it.
fn decide(
    work: &Work,
    row: &mut Locked,
    now: &Terming,
    charged: Option<&Charged>,
    replica: Replica,
    sent: BootTime,
    blocks: &mut Vec<NewBlock>,
) -> Option<Answer> {
    let mut units_charged = charged.map_or(0, |c| c.units);
    if let Some(charge) = work.charge {
        units_charged = units_charged.saturating_add(charge.units);
        row.grant_number += 1;
        blocks.push(NewBlock {
            block_id: block_id(replica.boot_id, charge.block),
            limit_uid: row.limit_uid,
            units: charge.units,
            charge_until: row
                .clocks
                .high
                .after(now.terms.window + now.terms.epsilon()),
            grant_number: row.grant_number,
        });
    }
    let asked = work.ask?;
    let free = now.amount.saturating_sub(units_charged);
    let units = grant(asked.ask, free, replica.live);
    let mut not_before = BootTime::default();
    if units > 0 {
        row.grant_number += 1;
        blocks.push(NewBlock {
            block_id: block_id(replica.boot_id, asked.block),
            limit_uid: row.limit_uid,
            units,
            charge_until: row.clocks.high.after(now.terms.charge_time()),
            grant_number: row.grant_number,
        });
    } else {
        let next_end = charged.and_then(|c| c.next_end).unwrap_or(row.clocks.low);
        let wait = next_end.since(row.clocks.low).max(ASK_AGAIN_MIN);
        not_before = boot_now().after(wait);
    }
    Some(Answer {
        block: asked.block,
        units,
        sent,
        terms: now.terms,
        not_before,
    })
}

/// Nobody asks again sooner than this after an answer of nothing.
const ASK_AGAIN_MIN: std::time::Duration = std::time::Duration::from_millis(5);
