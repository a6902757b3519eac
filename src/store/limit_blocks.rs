//! Table `limit_blocks`: units that are charged to a limit. Whoever writes here holds the lock of the limit's row in `limit_ledgers`.

use std::collections::HashMap;

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, timestamp, unsigned};
use crate::domain::ledger::entry::Entry;
use crate::domain::ledger::merging::heard;
use crate::domain::ledger::page::{Charged, Free, Lack, NewBlock, Stated};
use crate::domain::ledger::takeover::Estate;
use crate::domain::time::Timestamp;

/// States what is known of closed blocks. Units and charges only ever go down and settled leases only become more, so a repetition that
/// comes late changes nothing. A block that was taken over, since its replica seemed to be gone, listens to that replica no more.
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
    let ended: Vec<bool> = stated.iter().map(|s| s.is_ended).collect();
    sqlx::query!(
        "update limit_blocks b set units = least(b.units, s.used), charge_until = least(b.charge_until, s.charge_until), \
             closed = true, ended = b.ended or s.ended, settled = case when bit_count(s.settled) < bit_count(b.settled) then b.settled else s.settled end \
         from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bytea[], $5::boolean[]) \
             as s (block_id, used, charge_until, settled, ended) \
         where b.block_id = s.block_id and b.epoch = 0",
        &ids,
        &used,
        &ends,
        &settled,
        &ended
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of these blocks which their replica has closed, as it stated them last.
///
/// # Errors
/// When the database fails.
pub async fn estates(conn: &mut PgConnection, blocks: &[Uuid]) -> Result<HashMap<Uuid, Estate>> {
    let rows = sqlx::query!(
        "select block_id, units, settled from limit_blocks where block_id = any($1) and closed",
        blocks
    )
    .fetch_all(conn)
    .await?;
    let estates = rows.into_iter().map(|row| {
        let estate = Estate {
            units: unsigned(row.units),
            settled: row.settled,
        };
        (row.block_id, estate)
    });
    Ok(estates.collect())
}

/// Takes blocks over: they are charged for so much, and their replica is listened to no more.
///
/// # Errors
/// When the database fails.
pub async fn take_over(conn: &mut PgConnection, blocks: &[(Uuid, u64)]) -> Result<()> {
    let ids: Vec<Uuid> = blocks.iter().map(|(id, _)| *id).collect();
    let units: Vec<i64> = blocks.iter().map(|(_, units)| signed(*units)).collect();
    sqlx::query!(
        "update limit_blocks b set units = least(b.units, t.units), epoch = b.epoch + 1 \
         from unnest($1::uuid[], $2::bigint[]) as t (block_id, units) where b.block_id = t.block_id",
        &ids,
        &units
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sums what is charged to these limits beyond their lower clocks, as far as the column reaches: one sum beyond it would fail the whole
/// transaction, and the limits that share it.
///
/// # Errors
/// When the database fails.
pub async fn charged(
    conn: &mut PgConnection,
    entries: &[(Uuid, Entry)],
) -> Result<HashMap<Uuid, Charged>> {
    let (limits, lows) = lows(entries);
    let heard = entries
        .iter()
        .map(|(_, entry)| offset(heard(entry.clocks.low)));
    let heard: Vec<OffsetDateTime> = heard.collect();
    let rows = sqlx::query!(
        r#"select b.limit_uid, least(coalesce(sum(b.units), 0), 9223372036854775807)::bigint as "units!",
             min(b.open_until) filter (where not b.closed and b.open_until > c.low) as next_close,
             max(b.charge_until) as last_end, count(*) as "rows!",
             count(*) filter (where b.ended or b.open_until <= c.heard) as "over!",
             count(*) filter (where b.closed and not b.ended and b.open_until > c.heard) as "unheard!"
           from limit_blocks b join unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as c (limit_uid, low, heard)
             on b.limit_uid = c.limit_uid and b.charge_until > c.low
           group by b.limit_uid"#,
        &limits,
        &lows,
        &heard
    )
    .fetch_all(conn)
    .await?;
    let charged = rows.into_iter().map(|row| {
        let charged = Charged {
            units: unsigned(row.units),
            next_close: row.next_close.map(timestamp),
            last_end: row.last_end.map(timestamp),
            rows: unsigned(row.rows),
            over: unsigned(row.over),
            unheard: unsigned(row.unheard),
        };
        (row.limit_uid, charged)
    });
    Ok(charged.collect())
}

/// When so many units of these limits will be free that nobody lacks them any more, if nobody else takes them.
///
/// # Errors
/// When the database fails.
pub async fn frees(conn: &mut PgConnection, lacks: &[Lack]) -> Result<HashMap<Uuid, Free>> {
    if lacks.is_empty() {
        return Ok(HashMap::new());
    }
    let limits: Vec<Uuid> = lacks.iter().map(|l| l.limit_uid).collect();
    let units: Vec<i64> = lacks.iter().map(|l| signed(l.units)).collect();
    let largest: Vec<i64> = lacks.iter().map(|l| signed(l.units_of_largest)).collect();
    let lows: Vec<OffsetDateTime> = lacks.iter().map(|l| offset(l.low)).collect();
    let rows = sqlx::query!(
        r#"select ends.limit_uid as "limit_uid!", min(ends.charge_until) filter (where ends.ended >= ends.lacking) as free,
             min(ends.charge_until) filter (where ends.ended >= ends.largest) as free_for_largest from
             (select b.limit_uid, b.charge_until, c.units as lacking, c.largest,
                sum(b.units) over (partition by b.limit_uid order by b.charge_until) as ended
              from limit_blocks b join unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
                  as c (limit_uid, units, largest, low)
                on b.limit_uid = c.limit_uid and b.charge_until > c.low) as ends
           group by ends.limit_uid"#,
        &limits,
        &units,
        &largest,
        &lows
    )
    .fetch_all(conn)
    .await?;
    let frees = rows.into_iter().map(|row| {
        let free = Free {
            need: row.free.map(timestamp),
            largest: row.free_for_largest.map(timestamp),
        };
        (row.limit_uid, free)
    });
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

/// Inserts blocks. A charge of which nobody knew whether it was written may be there already.
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
        "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, open_until, closed, ended, grant_number) \
         select b.block_id, b.limit_uid, $1, b.units, b.charge_until, b.open_until, b.closed, b.closed, b.grant_number \
         from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::boolean[], $8::bigint[]) \
             as b (block_id, limit_uid, units, charge_until, open_until, closed, grant_number) \
         where not (b.closed and exists (select from limit_blocks known where known.block_id = b.block_id))",
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

/// Limits and their lower clocks, as columns.
fn lows(entries: &[(Uuid, Entry)]) -> (Vec<Uuid>, Vec<OffsetDateTime>) {
    entries
        .iter()
        .map(|(limit, entry)| (*limit, offset(entry.clocks.low)))
        .unzip()
}
