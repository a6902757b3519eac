//! A row of table `limits`, column by column, and what it means.

use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, millis, timestamp};
use super::{Error, Result};
use crate::domain::calendar::{Calendar, Period, Zone};
use crate::domain::id::Id;
use crate::domain::limit::{
    Dimension, LEASE_DURATION_MAX_DEFAULT, Limit, Mode, Owner, UnreadLimit,
};
use crate::domain::models::patterns;
use crate::domain::offline::OfflineShare;
use crate::domain::terms::Span;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct LimitRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) owner_kind: String,
    pub(crate) owner_uid: Uuid,
    pub(crate) id: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) dimension: String,
    pub(crate) amount: i64,
    pub(crate) window_ms: Option<i64>,
    pub(crate) calendar_period: Option<String>,
    pub(crate) calendar_time_zone: Option<String>,
    pub(crate) lease_duration_max_ms: Option<i64>,
    pub(crate) models: Vec<String>,
    pub(crate) mode: String,
    pub(crate) validity_ms: Option<i64>,
    pub(crate) start_within_ms: Option<i64>,
    pub(crate) blackout_ms: Option<i64>,
    pub(crate) offline_percent: Option<i32>,
    pub(crate) offline_slots: Option<i32>,
    pub(crate) offline_outage_max_ms: Option<i64>,
}

/// The offline share that three columns say.
pub(crate) fn offline(
    percent: Option<i32>,
    slots: Option<i32>,
    outage_max_ms: Option<i64>,
) -> Option<OfflineShare> {
    Some(OfflineShare {
        percent: percent?.unsigned_abs(),
        slots: slots?.unsigned_abs(),
        outage_max: millis(outage_max_ms)?,
    })
}

/// The columns that say over what a limit counts.
#[derive(Debug)]
pub(crate) struct SpanColumns<'a> {
    pub(crate) dimension: &'a str,
    pub(crate) window_ms: Option<i64>,
    pub(crate) calendar_period: Option<&'a str>,
    pub(crate) calendar_time_zone: Option<&'a str>,
    pub(crate) lease_duration_max_ms: Option<i64>,
}

impl SpanColumns<'_> {
    /// What they say; `None` if this release cannot have written them.
    pub(crate) fn span(&self) -> Option<Span> {
        if self.dimension == Dimension::Concurrency.as_str() {
            let longest = millis(self.lease_duration_max_ms);
            return Some(Span::Held(longest.unwrap_or(LEASE_DURATION_MAX_DEFAULT)));
        }
        let Some((period, zone)) = self.calendar_period.zip(self.calendar_time_zone) else {
            return millis(self.window_ms).map(Span::Rolling);
        };
        Some(Span::Calendar(Calendar {
            period: Period::from_stored(period)?,
            zone: Zone::parse("calendar_time_zone", zone).ok()?,
        }))
    }
}

/// For people: one limit that cannot be read hides none of the others.
pub(super) fn read(row: LimitRow) -> std::result::Result<Limit, UnreadLimit> {
    let (uid, rev, owner_uid, id) = (row.uid, row.rev, row.owner_uid, row.id.clone());
    Limit::try_from(row).map_err(|error| UnreadLimit {
        uid,
        rev,
        owner_uid,
        id,
        why: error.to_string(),
    })
}

impl TryFrom<LimitRow> for Limit {
    type Error = Error;

    fn try_from(row: LimitRow) -> Result<Self> {
        let reading = Reading {
            table: "limits",
            uid: row.uid,
        };
        let owner = match row.owner_kind.as_str() {
            "account" => Some(Owner::Account(row.owner_uid)),
            "caller" => Some(Owner::Caller(row.owner_uid)),
            _ => None,
        };
        let columns = SpanColumns {
            dimension: &row.dimension,
            window_ms: row.window_ms,
            calendar_period: row.calendar_period.as_deref(),
            calendar_time_zone: row.calendar_time_zone.as_deref(),
            lease_duration_max_ms: row.lease_duration_max_ms,
        };
        Ok(Self {
            uid: row.uid,
            rev: row.rev,
            owner: reading.known("owner_kind", owner)?,
            id: reading.parsed(Id::parse("id", &row.id))?,
            create_time: timestamp(row.create_time),
            update_time: timestamp(row.update_time),
            dimension: reading.known("dimension", Dimension::from_stored(&row.dimension))?,
            amount: reading.number("amount", row.amount)?,
            span: reading.known("window_ms or calendar", columns.span())?,
            models: reading.parsed(patterns("models", &row.models))?,
            mode: reading.known("mode", Mode::from_stored(&row.mode))?,
            validity: millis(row.validity_ms),
            start_within: millis(row.start_within_ms),
            blackout: millis(row.blackout_ms),
            offline: offline(
                row.offline_percent,
                row.offline_slots,
                row.offline_outage_max_ms,
            ),
        })
    }
}
