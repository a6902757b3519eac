//! Table `offline_slots`: which replica serves from which slot while the database cannot be reached.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::signed;
use crate::domain::ledger::offline::slots::{Claim, SlotRow};

/// All slots, in their order.
///
/// # Errors
/// As every query.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<SlotRow>> {
    let rows =
        sqlx::query!("select slot, boot_id, beats, reach_ms from offline_slots order by slot")
            .fetch_all(conn)
            .await?;
    let rows = rows.into_iter().map(|row| SlotRow {
        slot: row.slot.unsigned_abs(),
        owner: row.boot_id,
        beats: row.beats,
        reach: Duration::from_millis(row.reach_ms.unsigned_abs()),
    });
    Ok(rows.collect())
}

/// Renews or takes a slot for `boot_id`, if it still is as it was seen. False if somebody was faster.
///
/// # Errors
/// As every query.
pub async fn claim(conn: &mut PgConnection, boot_id: Uuid, claim: &Claim) -> Result<bool> {
    let reach_ms = u64::try_from(claim.reach.as_millis()).unwrap_or(u64::MAX);
    let done = sqlx::query!(
        "update offline_slots set boot_id = $4, beats = beats + 1, reach_ms = $5
        where slot = $1 and boot_id is not distinct from $2 and beats = $3",
        i32::try_from(claim.seen.slot).unwrap_or(i32::MAX),
        claim.seen.owner,
        claim.seen.beats,
        boot_id,
        signed(reach_ms)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
