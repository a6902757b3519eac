//! Charges of leases that go on, in table `limit_blocks`. Whoever writes here holds the lock of the limit's row in `limit_ledgers`.

use std::collections::HashSet;

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed};
use crate::domain::ledger::block::is_settled;
use crate::domain::ledger::page::NewBlock;
use crate::domain::time::Timestamp;

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

/// The limits in which something is charged for a lease still. Of a block that others have settled leases from, the rest are charged as
/// before.
///
/// # Errors
/// When the database fails.
pub async fn carried(
    conn: &mut PgConnection,
    issuer: Uuid,
    serial: u64,
    carried: &[Carried],
) -> Result<HashSet<Uuid>> {
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
         where b.units > 0 and b.charge_until > c.low and (b.epoch = 0 or not exists
           (select from settled s where s.issuer = $5 and s.serial = $6 and s.uses is null))",
        &limits,
        &drawn,
        &own,
        &lows,
        issuer,
        signed(serial)
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
