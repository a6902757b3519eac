//! Table `limit_ledgers`: the row that a transaction of the expiring-charge ledger locks.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use std::collections::HashMap;
use uuid::Uuid;

use super::Result;
use super::convert::{millis, offset, signed, timestamp, unsigned};
use super::limit_rows::{self, SpanColumns};
use crate::domain::ledger::entry::Entry;
use crate::domain::ledger::page::Terming;
use crate::domain::limit::Mode;
use crate::domain::offline::Plan;
use crate::domain::terms::Timing;

mod clocks;
mod lately;
mod left;
mod offline;
pub mod peek;
mod row;

use left::Left;
use offline::Columns;
pub use offline::{reserved, ripe};
use row::LockedRow;

/// Whatever the server's defaults: each statement sees what was committed before it, and a commit that was answered is durable. A
/// row that is locked too long is left for the next time. A replica that stops in between keeps its rows from the others for no longer
/// than an idle transaction may last. Rows are found by their keys: a connection keeps the plans that it made while the tables were small,
/// and would read all of them whenever some limits are asked for, however many there are by then.
pub const BEGIN: &str = "begin isolation level read committed read write; \
    set local synchronous_commit = on; set local lock_timeout = '500ms'; set local statement_timeout = '2s'; \
    set local idle_in_transaction_session_timeout = '1s'; \
    set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off";

/// Locks the rows of these limits, in a statement of its own: what is read later is no older than the lock. Rows that others hold are
/// left out, unless `wait`.
///
/// # Errors
/// When the database fails.
pub async fn lock(
    conn: &mut PgConnection,
    limits: &[Uuid],
    wait: bool,
) -> Result<Vec<(Uuid, Entry)>> {
    macro_rules! locked {
        ($how:literal) => {
            sqlx::query_as!(
                LockedRow,
                "select limit_uid, last_high, last_low, reach_micros, reach_until, charge_micros, grant_number, incarnation, frozen_until, \
             claim_boot_id, claim_units, claim_until, told_units, told_at, block_units_max, newcomers_units, newcomers_since, raised_units, raised_since, offline_slot_units, offline_slots, offline_window_ms, offline_reach_ms, offline_kept_units, \
             offline_kept_until, offline_ripe_at from limit_ledgers \
             where limit_uid = any($1) order by limit_uid " + $how,
                limits
            )
        };
    }
    let rows = if wait {
        locked!("for update").fetch_all(conn).await?
    } else {
        locked!("for update skip locked").fetch_all(conn).await?
    };
    Ok(rows.into_iter().map(LockedRow::parsed).collect())
}

/// Reads how these limits are configured, and the clock. Deleted ones are left out.
///
/// # Errors
/// When the database fails.
pub async fn terms(conn: &mut PgConnection, limits: &[Uuid]) -> Result<HashMap<Uuid, Terming>> {
    let rows = sqlx::query!(
        r#"select uid, dimension, amount, window_ms, calendar_period, calendar_time_zone, lease_duration_max_ms, mode, validity_ms,
             start_within_ms, blackout_ms, offline_percent, offline_slots, offline_outage_max_ms, delete_time, clock_timestamp() as "now!"
           from limits where uid = any($1)"#,
        limits
    )
    .fetch_all(conn)
    .await?;
    // Left out here: asked for those that are not deleted alone, the database reads all of them by the index that has no others.
    let there = rows.into_iter().filter(|row| row.delete_time.is_none());
    let terming = there.filter_map(|row| {
        let columns = SpanColumns {
            dimension: &row.dimension,
            window_ms: row.window_ms,
            calendar_period: row.calendar_period.as_deref(),
            calendar_time_zone: row.calendar_time_zone.as_deref(),
            lease_duration_max_ms: row.lease_duration_max_ms,
        };
        let timing = Timing {
            // A row of a later release, whose meaning is not known: nothing is granted of it.
            span: columns.span()?,
            validity: millis(row.validity_ms),
            start_within: millis(row.start_within_ms),
            blackout: millis(row.blackout_ms),
        };
        let (amount, terms) = (unsigned(row.amount), timing.terms());
        let share = limit_rows::offline(
            row.offline_percent,
            row.offline_slots,
            row.offline_outage_max_ms,
        );
        let terming = Terming {
            amount,
            mode: Mode::from_stored(&row.mode)?,
            terms,
            offline: share.map_or_else(|| Plan::none(&terms), |share| share.plan(amount, &terms)),
            now: timestamp(row.now),
        };
        Some((row.uid, terming))
    });
    Ok(terming.collect())
}

/// Stores the rows.
///
/// # Errors
/// When the database fails.
pub async fn advance(conn: &mut PgConnection, moved: &[(Uuid, Entry)]) -> Result<()> {
    let limits: Vec<Uuid> = moved.iter().map(|(limit, _)| *limit).collect();
    let entries = || moved.iter().map(|(_, entry)| *entry);
    let clocks = clocks::Columns::of(moved);
    let grants: Vec<i64> = entries().map(|e| e.grant_number).collect();
    let incarnations: Vec<i64> = entries().map(|e| e.incarnation).collect();
    let largest: Vec<i64> = entries().map(|e| signed(e.block_units_max)).collect();
    let frozen: Vec<_> = entries().map(|e| e.frozen_until.map(offset)).collect();
    let (left, offline) = (Left::of(moved), Columns::of(moved));
    let lately = lately::Columns::of(moved);
    sqlx::query!(
        "update limit_ledgers g set last_high = m.high, last_low = m.low, grant_number = m.grant_number, \
             incarnation = m.incarnation, block_units_max = m.largest, frozen_until = m.frozen_until, \
             claim_boot_id = m.claim_boot_id, claim_units = m.claim_units, claim_until = m.claim_until, \
             offline_slot_units = m.slot_units, offline_slots = m.slots, offline_window_ms = m.window_ms, \
             offline_reach_ms = m.reach_ms, offline_kept_units = m.kept_units, offline_kept_until = m.kept_until, \
             offline_ripe_at = m.ripe_at, reach_micros = m.reach_micros, reach_until = m.reach_until, \
             charge_micros = m.charge_micros, told_units = m.told_units, told_at = m.told_at, \
             newcomers_units = m.newcomers_units, newcomers_since = m.newcomers_since, \
             raised_units = m.raised_units, raised_since = m.raised_since \
         from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], \
             $7::timestamptz[], $8::uuid[], $9::bigint[], $10::timestamptz[], $11::bigint[], $12::integer[], $13::bigint[], \
             $14::bigint[], $15::bigint[], $16::timestamptz[], $17::timestamptz[], $18::bigint[], \
             $19::timestamptz[], $20::bigint[], $21::bigint[], $22::timestamptz[], $23::bigint[], $24::timestamptz[], \
             $25::bigint[], $26::timestamptz[]) as m (limit_uid, high, low, grant_number, \
             incarnation, largest, frozen_until, claim_boot_id, claim_units, claim_until, slot_units, slots, window_ms, \
             reach_ms, kept_units, kept_until, ripe_at, reach_micros, reach_until, charge_micros, told_units, told_at, \
             newcomers_units, newcomers_since, raised_units, raised_since) \
         where g.limit_uid = m.limit_uid",
        &limits,
        &clocks.highs,
        &clocks.lows,
        &grants,
        &incarnations,
        &largest,
        &frozen as &[Option<OffsetDateTime>],
        &left.claimers as &[Option<Uuid>],
        &left.claimed as &[Option<i64>],
        &left.claimed_until as &[Option<OffsetDateTime>],
        &offline.slot_units,
        &offline.slots,
        &offline.window_ms,
        &offline.reach_ms,
        &offline.kept_units,
        &offline.kept_until as &[Option<OffsetDateTime>],
        &offline.ripe_at as &[Option<OffsetDateTime>],
        &clocks.reaches,
        &clocks.reaches_until,
        &clocks.charges,
        &left.told_units as &[Option<i64>],
        &left.told_at as &[Option<OffsetDateTime>],
        &lately.newcomers_units as &[Option<i64>],
        &lately.newcomers_since as &[Option<OffsetDateTime>],
        &lately.raised_units as &[Option<i64>],
        &lately.raised_since as &[Option<OffsetDateTime>]
    )
    .execute(conn)
    .await?;
    Ok(())
}
