//! Table `limit_blocks`: units that are charged to a limit. Whoever writes here holds the lock of the limit's row in `limit_ledgers`.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, timestamp, unsigned};
use crate::domain::ledger::block::is_settled;
use crate::domain::ledger::entry::Entry;
use crate::domain::ledger::page::{Charged, Lack, NewBlock, Stated};
use crate::domain::time::Timestamp;

/// States what is known of closed blocks. Units and charges only ever go down, so a repetition changes nothing. A block that was taken
/// over, since its replica seemed to be gone, listens to that replica no more.
///
/// # Errors
/// When the database fails.
pub async fn state_use(conn: &mut PgConnection, stated: &[Stated]) -> Result<()> {
    const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);
    if stated.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = stated.iter().map(|s| s.block_id).collect();
    let used: Vec<i64> = stated.iter().map(|s| signed(s.used)).collect();
    let ends = stated
        .iter()
        .map(|s| offset(s.charge_until.unwrap_or(NEVER)));
    let ends: Vec<OffsetDateTime> = ends.collect();
    let settled: Vec<Vec<u8>> = stated.iter().map(|s| s.settled.clone()).collect();
    sqlx::query!(
        "update limit_blocks b set units = least(b.units, s.used), charge_until = least(b.charge_until, s.charge_until), \
             closed = true, settled = s.settled \
         from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[]) as s (block_id, used, charge_until, settled) \
         where b.block_id = s.block_id and b.epoch = 0",
        &ids,
        &used,
        &ends,
        &settled
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
    entries: &[(Uuid, Entry)],
) -> Result<HashMap<Uuid, Charged>> {
    let (limits, lows) = lows(entries);
    let rows = sqlx::query!(
        r#"select b.limit_uid, coalesce(sum(b.units), 0)::bigint as "units!",
             min(b.open_until) filter (where not b.closed and b.open_until > c.low) as next_close,
             max(b.charge_until) as last_end
           from limit_blocks b join unnest($1::uuid[], $2::timestamptz[]) as c (limit_uid, low)
             on b.limit_uid = c.limit_uid and b.charge_until > c.low
           group by b.limit_uid"#,
        &limits,
        &lows
    )
    .fetch_all(conn)
    .await?;
    let charged = rows.into_iter().map(|row| {
        let charged = Charged {
            units: unsigned(row.units),
            next_close: row.next_close.map(timestamp),
            last_end: row.last_end.map(timestamp),
        };
        (row.limit_uid, charged)
    });
    Ok(charged.collect())
}

/// When so many units of these limits will be free that nobody lacks them any more, if nobody else takes them.
///
/// # Errors
/// When the database fails.
pub async fn frees(conn: &mut PgConnection, lacks: &[Lack]) -> Result<HashMap<Uuid, Timestamp>> {
    if lacks.is_empty() {
        return Ok(HashMap::new());
    }
    let limits: Vec<Uuid> = lacks.iter().map(|l| l.limit_uid).collect();
    let units: Vec<i64> = lacks.iter().map(|l| signed(l.units)).collect();
    let lows: Vec<OffsetDateTime> = lacks.iter().map(|l| offset(l.low)).collect();
    let rows = sqlx::query!(
        r#"select ends.limit_uid as "limit_uid!", min(ends.charge_until) as "free!" from
             (select b.limit_uid, b.charge_until, c.units as lacking,
                sum(b.units) over (partition by b.limit_uid order by b.charge_until) as ended
              from limit_blocks b join unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) as c (limit_uid, units, low)
                on b.limit_uid = c.limit_uid and b.charge_until > c.low) as ends
           where ends.ended >= ends.lacking group by ends.limit_uid"#,
        &limits,
        &units,
        &lows
    )
    .fetch_all(conn)
    .await?;
    let frees = rows
        .into_iter()
        .map(|row| (row.limit_uid, timestamp(row.free)));
    Ok(frees.collect())
}

/// Forgets the blocks whose charges the clocks of their limits have ended.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &mut PgConnection, entries: &[(Uuid, Entry)]) -> Result<()> {
    let (limits, lows) = lows(entries);
    sqlx::query!(
        "delete from limit_blocks b using unnest($1::uuid[], $2::timestamptz[]) as m (limit_uid, low) \
         where b.limit_uid = m.limit_uid and b.charge_until <= m.low",
        &limits,
        &lows
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
    if blocks.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = blocks.iter().map(|b| b.block_id).collect();
    let limits: Vec<Uuid> = blocks.iter().map(|b| b.limit_uid).collect();
    let units: Vec<i64> = blocks.iter().map(|b| signed(b.units)).collect();
    let ends: Vec<OffsetDateTime> = blocks.iter().map(|b| offset(b.charge_until)).collect();
    let opens = blocks
        .iter()
        .map(|b| offset(b.open_until.unwrap_or(b.charge_until)));
    let opens: Vec<OffsetDateTime> = opens.collect();
    let closed: Vec<bool> = blocks.iter().map(|b| b.open_until.is_none()).collect();
    let grants: Vec<i64> = blocks.iter().map(|b| b.grant_number).collect();
    sqlx::query!(
        "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, open_until, closed, grant_number) \
         select b.block_id, b.limit_uid, $1, b.units, b.charge_until, b.open_until, b.closed, b.grant_number \
         from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::boolean[], $8::bigint[]) \
             as b (block_id, limit_uid, units, charge_until, open_until, closed, grant_number)",
        boot_id,
        &ids,
        &limits,
        &units,
        &ends,
        &opens,
        &closed,
        &grants
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What may be charged for a lease that is to go on.
#[derive(Debug, Clone, Copy)]
pub struct Carried {
    /// The limit.
    pub limit: Uuid,
    /// The block that it was drawn from.
    pub drawn: Uuid,
    /// The charge of its own that it may have.
    pub own: Uuid,
    /// Which lease of the block it is, where one report settles all of it.
    pub ordinal: Option<u64>,
    /// Charges end by it.
    pub low: Timestamp,
}

/// The limits in which something is charged for these leases still.
///
/// # Errors
/// When the database fails.
pub async fn carried(conn: &mut PgConnection, carried: &[Carried]) -> Result<HashSet<Uuid>> {
    if carried.is_empty() {
        return Ok(HashSet::new());
    }
    let limits: Vec<Uuid> = carried.iter().map(|c| c.limit).collect();
    let drawn: Vec<Uuid> = carried.iter().map(|c| c.drawn).collect();
    let own: Vec<Uuid> = carried.iter().map(|c| c.own).collect();
    let lows: Vec<OffsetDateTime> = carried.iter().map(|c| offset(c.low)).collect();
    let rows = sqlx::query!(
        "select b.limit_uid, b.block_id, b.settled from limit_blocks b
         join unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) as c (limit_uid, drawn, own, low)
           on b.limit_uid = c.limit_uid and b.block_id in (c.drawn, c.own)
         where b.units > 0 and b.charge_until > c.low and b.epoch = 0",
        &limits,
        &drawn,
        &own,
        &lows
    )
    .fetch_all(conn)
    .await?;
    let is_held = |limit: Uuid, block: Uuid, settled: &[u8]| {
        let carried = carried.iter().find(|c| c.limit == limit);
        let reported = carried.filter(|c| c.drawn == block).and_then(|c| c.ordinal);
        reported.is_none_or(|ordinal| !is_settled(settled, ordinal))
    };
    let held = rows
        .into_iter()
        .filter(|row| is_held(row.limit_uid, row.block_id, &row.settled));
    Ok(held.map(|row| row.limit_uid).collect())
}

/// Inserts the charges of leases that go on, or lets those that there are go on. Units only ever go down.
///
/// # Errors
/// When the database fails.
pub async fn prolong(conn: &mut PgConnection, issuer: Uuid, blocks: &[NewBlock]) -> Result<()> {
    for block in blocks {
        sqlx::query!(
            "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, open_until, closed, grant_number)
             values ($1, $2, $3, $4, $5, $5, true, $6)
             on conflict (block_id) do update set charge_until = greatest(limit_blocks.charge_until, excluded.charge_until),
                 grant_number = excluded.grant_number",
            block.block_id,
            block.limit_uid,
            issuer,
            signed(block.units),
            offset(block.charge_until),
            block.grant_number
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Limits and their lower clocks, as columns.
fn lows(entries: &[(Uuid, Entry)]) -> (Vec<Uuid>, Vec<OffsetDateTime>) {
    entries
        .iter()
        .map(|(limit, entry)| (*limit, offset(entry.clocks.low)))
        .unzip()
}
