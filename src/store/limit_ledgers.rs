//! Tables `limit_ledgers` and `limit_blocks`: the database's side of the expiring-charge ledger.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{millis, offset, timestamp};
use crate::domain::ledger::clock::Clocks;
use crate::domain::limit::{Terms, Timing};
use crate::domain::time::Timestamp;

/// Whatever the server's defaults: each statement sees what was committed before it, and a commit that was answered is durable. A
/// row that is locked too long is left for the next time.
pub const BEGIN: &str = "begin isolation level read committed read write; \
    set local synchronous_commit = on; set local lock_timeout = '500ms'; set local statement_timeout = '2s'";

/// A limit's clocks, once its row is locked.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    /// The limit.
    pub limit_uid: Uuid,
    /// As last stored.
    pub clocks: Clocks,
    /// Of the last grant.
    pub grant_number: i64,
}

/// A limit as configured now.
#[derive(Debug, Clone, Copy)]
pub struct Terming {
    /// The limit.
    pub limit_uid: Uuid,
    /// N.
    pub amount: u64,
    /// W, D, L.
    pub terms: Terms,
    /// The database's clock, read after the lock.
    pub now: Timestamp,
}

/// What is charged to a limit.
#[derive(Debug, Clone, Copy)]
pub struct Charged {
    /// The limit.
    pub limit_uid: Uuid,
    /// Units.
    pub units: u64,
    /// When the next charge ends.
    pub next_end: Option<Timestamp>,
}

/// A block to insert.
#[derive(Debug, Clone, Copy)]
pub struct NewBlock {
    /// Made by the replica.
    pub block_id: Uuid,
    /// The limit.
    pub limit_uid: Uuid,
    /// Units.
    pub units: u64,
    /// When the charge ends.
    pub charge_until: Timestamp,
    /// Grows with every grant of the limit.
    pub grant_number: i64,
}

/// Locks the rows of these limits, in a statement of its own: what is read later is no older than the lock. Rows that others hold are
/// left out, unless `wait`.
///
/// # Errors
/// When the database fails.
pub async fn lock(conn: &mut PgConnection, limits: &[Uuid], wait: bool) -> Result<Vec<Locked>> {
    let rows = if wait {
        sqlx::query_as!(
            LockedRow,
            "select limit_uid, last_high, last_low, grant_number from limit_ledgers \
             where limit_uid = any($1) order by limit_uid for update",
            limits
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            LockedRow,
            "select limit_uid, last_high, last_low, grant_number from limit_ledgers \
             where limit_uid = any($1) order by limit_uid for update skip locked",
            limits
        )
        .fetch_all(conn)
        .await?
    };
    Ok(rows.into_iter().map(Locked::from).collect())
}

/// Reads how these limits are configured, and the clock. Deleted ones are left out.
///
/// # Errors
/// When the database fails.
pub async fn terms(conn: &mut PgConnection, limits: &[Uuid]) -> Result<Vec<Terming>> {
    let rows = sqlx::query!(
        r#"select uid, amount, coalesce(window_ms, 0) as "window_ms!", validity_ms, start_within_ms, blackout_ms,
             clock_timestamp() as "now!"
           from limits where uid = any($1) and delete_time is null"#,
        limits
    )
    .fetch_all(conn)
    .await?;
    let terming = rows.into_iter().map(|row| Terming {
        limit_uid: row.uid,
        amount: unsigned(row.amount),
        terms: Timing {
            window: millis(Some(row.window_ms)).unwrap_or(Duration::ZERO),
            validity: millis(row.validity_ms),
            start_within: millis(row.start_within_ms),
            blackout: millis(row.blackout_ms),
        }
        .terms(),
        now: timestamp(row.now),
    });
    Ok(terming.collect())
}

/// States the units used of closed blocks: absolute numbers that only ever go down, so a repetition changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn state_use(conn: &mut PgConnection, blocks: &[Uuid], used: &[i64]) -> Result<()> {
    sqlx::query!(
        "update limit_blocks set units = least(limit_blocks.units, stated.used) \
         from unnest($1::uuid[], $2::bigint[]) as stated (block_id, used) \
         where limit_blocks.block_id = stated.block_id",
        blocks,
        used
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sums what is charged to these limits beyond their lower clocks.
///
/// # Errors
/// When the database fails.
pub async fn charged(
    conn: &mut PgConnection,
    limits: &[Uuid],
    lows: &[Timestamp],
) -> Result<Vec<Charged>> {
    let lows: Vec<OffsetDateTime> = lows.iter().map(|low| offset(*low)).collect();
    let rows = sqlx::query!(
        r#"select b.limit_uid, coalesce(sum(b.units), 0)::bigint as "units!",
             min(b.charge_until) filter (where b.units > 0) as next_end
           from limit_blocks b join unnest($1::uuid[], $2::timestamptz[]) as c (limit_uid, low)
             on b.limit_uid = c.limit_uid and b.charge_until > c.low
           group by b.limit_uid"#,
        limits,
        &lows
    )
    .fetch_all(conn)
    .await?;
    let charged = rows.into_iter().map(|row| Charged {
        limit_uid: row.limit_uid,
        units: unsigned(row.units),
        next_end: row.next_end.map(timestamp),
    });
    Ok(charged.collect())
}

/// Stores the clocks moved on, forgets what they ended, and counts the grants.
///
/// # Errors
/// When the database fails.
pub async fn advance(conn: &mut PgConnection, moved: &[Locked]) -> Result<()> {
    let limits: Vec<Uuid> = moved.iter().map(|m| m.limit_uid).collect();
    let highs: Vec<OffsetDateTime> = moved.iter().map(|m| offset(m.clocks.high)).collect();
    let lows: Vec<OffsetDateTime> = moved.iter().map(|m| offset(m.clocks.low)).collect();
    let grants: Vec<i64> = moved.iter().map(|m| m.grant_number).collect();
    sqlx::query!(
        "with moved as (select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[]) \
             as m (limit_uid, high, low, grant_number)), \
         ended as (delete from limit_blocks b using moved m where b.limit_uid = m.limit_uid and b.charge_until <= m.low) \
         update limit_ledgers g set last_high = m.high, last_low = m.low, grant_number = m.grant_number \
         from moved m where g.limit_uid = m.limit_uid",
        &limits,
        &highs,
        &lows,
        &grants
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts blocks.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut PgConnection, boot_id: Uuid, blocks: &[NewBlock]) -> Result<()> {
    let ids: Vec<Uuid> = blocks.iter().map(|b| b.block_id).collect();
    let limits: Vec<Uuid> = blocks.iter().map(|b| b.limit_uid).collect();
    let units: Vec<i64> = blocks.iter().map(|b| signed(b.units)).collect();
    let ends: Vec<OffsetDateTime> = blocks.iter().map(|b| offset(b.charge_until)).collect();
    let grants: Vec<i64> = blocks.iter().map(|b| b.grant_number).collect();
    sqlx::query!(
        "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, grant_number) \
         select b.block_id, b.limit_uid, $1, b.units, b.charge_until, b.grant_number \
         from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::bigint[]) \
             as b (block_id, limit_uid, units, charge_until, grant_number)",
        boot_id,
        &ids,
        &limits,
        &units,
        &ends,
        &grants
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(Debug)]
struct LockedRow {
    limit_uid: Uuid,
    last_high: OffsetDateTime,
    last_low: OffsetDateTime,
    grant_number: i64,
}

impl From<LockedRow> for Locked {
    fn from(row: LockedRow) -> Self {
        Self {
            limit_uid: row.limit_uid,
            clocks: Clocks {
                high: timestamp(row.last_high),
                low: timestamp(row.last_low),
            },
            grant_number: row.grant_number,
        }
    }
}

fn unsigned(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

fn signed(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}
