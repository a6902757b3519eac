//! Rows of `limit_ledgers` for whoever only wants to know: nothing is locked.

use sqlx::PgConnection;
use uuid::Uuid;

use super::LockedRow;
use crate::domain::ledger::entry::Entry;
use crate::store::Result;

/// Whoever reads sees one moment, writes nothing, and soon gives up.
pub const BEGIN: &str = "begin isolation level repeatable read read only; set local statement_timeout = '1s'; \
    set local idle_in_transaction_session_timeout = '1s'";

/// The rows of these limits as they were committed last.
///
/// # Errors
/// When the database fails.
pub async fn peek(conn: &mut PgConnection, limits: &[Uuid]) -> Result<Vec<(Uuid, Entry)>> {
    let rows = sqlx::query_as!(
        LockedRow,
        "select limit_uid, last_high, last_low, reach_micros, reach_until, charge_micros, grant_number, incarnation, frozen_until, \
             claim_boot_id, claim_units, claim_until, told_units, told_at, block_units_max, newcomers_units, newcomers_since, raised_units, raised_since, offline_slot_units, offline_slots, offline_window_ms, offline_reach_ms, offline_kept_units, \
             offline_kept_until, offline_ripe_at from limit_ledgers where limit_uid = any($1)",
        limits
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(LockedRow::parsed).collect())
}
