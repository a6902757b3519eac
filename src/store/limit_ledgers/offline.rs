//! The columns of `limit_ledgers` that say what is left to replicas that cannot reach the database.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ledger::entry::Entry;
use crate::domain::ledger::offline::reserve::Kept;
use crate::domain::offline::Plan;
use crate::store::Result;
use crate::store::convert::{as_millis, offset, signed, unsigned};

/// One array for each column.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) slot_units: Vec<i64>,
    pub(super) slots: Vec<i32>,
    pub(super) window_ms: Vec<i64>,
    pub(super) reach_ms: Vec<i64>,
    pub(super) kept_units: Vec<i64>,
    pub(super) kept_until: Vec<Option<OffsetDateTime>>,
    pub(super) ripe_at: Vec<Option<OffsetDateTime>>,
}

impl Columns {
    pub(super) fn of(moved: &[(Uuid, Entry)]) -> Self {
        let reserves = || moved.iter().map(|(_, entry)| entry.offline);
        let plans = || reserves().map(|reserve| reserve.plan);
        let kept = || reserves().map(|reserve| reserve.kept);
        let units = |kept: Option<Kept>| signed(kept.map_or(0, |kept| kept.units));
        Self {
            slot_units: plans().map(|plan| signed(plan.slot_units)).collect(),
            slots: plans()
                .map(|plan| i32::try_from(plan.slots).unwrap_or(i32::MAX))
                .collect(),
            window_ms: plans().map(|plan| column(plan.window)).collect(),
            reach_ms: plans().map(|plan| column(plan.reach)).collect(),
            kept_units: kept().map(units).collect(),
            kept_until: kept()
                .map(|kept| kept.map(|kept| offset(kept.until)))
                .collect(),
            ripe_at: reserves()
                .map(|reserve| reserve.ripe_at.map(offset))
                .collect(),
        }
    }
}

fn column(duration: Duration) -> i64 {
    as_millis(Some(duration)).unwrap_or(i64::MAX)
}

/// From its columns.
pub(super) fn plan(slot_units: i64, slots: i32, window_ms: i64, reach_ms: i64) -> Plan {
    Plan {
        slot_units: unsigned(slot_units),
        slots: slots.unsigned_abs(),
        window: Duration::from_millis(unsigned(window_ms)),
        reach: Duration::from_millis(unsigned(reach_ms)),
    }
}

/// What the ledger leaves alone of those of these limits whose shares replicas may serve by.
///
/// # Errors
/// When the database fails.
pub async fn ripe(conn: &mut PgConnection, limits: &[Uuid]) -> Result<Vec<(Uuid, Plan)>> {
    let rows = sqlx::query!(
        "select limit_uid, offline_slot_units, offline_slots, offline_window_ms, offline_reach_ms from limit_ledgers
        where limit_uid = any($1) and offline_ripe_at <= last_low",
        limits
    )
    .fetch_all(conn)
    .await?;
    let plans = rows.into_iter().map(|row| {
        let plan = plan(
            row.offline_slot_units,
            row.offline_slots,
            row.offline_window_ms,
            row.offline_reach_ms,
        );
        (row.limit_uid, plan)
    });
    Ok(plans.collect())
}

/// Units that are left alone of these limits.
///
/// # Errors
/// When the database fails.
pub async fn reserved(conn: &mut PgConnection, limits: &[Uuid]) -> Result<Vec<(Uuid, u64)>> {
    let rows = sqlx::query!(
        r#"select limit_uid, greatest(offline_slot_units * offline_slots,
            case when offline_kept_until > last_low then offline_kept_units else 0 end) as "units!"
        from limit_ledgers where limit_uid = any($1)"#,
        limits
    )
    .fetch_all(conn)
    .await?;
    let units = rows
        .into_iter()
        .map(|row| (row.limit_uid, unsigned(row.units)));
    Ok(units.collect())
}
