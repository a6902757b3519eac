//! Blocks of long windows of which nothing more will be said are merged, so that a limit has few rows however long it counts, and a
//! reserve stays cheap.
//!
//! A charge time is cut into slices. What ends within one of them becomes one charge, which ends with the last of it: at no time is less
//! charged than before. A charge that was merged can neither be ended sooner nor given back, so a block is left alone as long as
//! somebody may do that.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::page::{Charged, NewBlock};
use crate::domain::pool::LEASE_DURATION_MAX;
use crate::domain::terms::{Span, Terms};
use crate::domain::time::{Timestamp, micros_of};

/// A charge time has so many slices.
const SLICES: u32 = 64;
/// Rows of which nothing more will be said, before they are merged: those of all slices and some more, so that few transactions do it.
const OVER_MAX: u64 = 80;
/// The same of a window that is not long: merged charges end a little later, which it only has to bear where reserves would be slow.
const OVER_MAX_SHORT: u64 = 1_024;
/// Closed blocks whose leases have not all been reported. Beyond it the oldest are merged all the same and keep what they are charged
/// for, which is what silence costs anyway; or callers who report late would make every reserve slow.
const UNHEARD_MAX: u64 = 1_024;
/// The most rows that one transaction merges; the next ones go on.
const ROWS_MAX: u64 = 4_096;
/// So long after a block was closed no report on its leases is taken: the longest lease, and what clocks may be apart by.
const HEARD_WITHIN: Duration = LEASE_DURATION_MAX.saturating_add(Duration::from_mins(10));

/// Which blocks of a limit are to be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merging {
    /// The limit.
    pub limit: Uuid,
    /// Of those of which nothing more will be said, so many, those that end first.
    pub over: u64,
    /// Of the other closed ones so many, those that were closed first.
    pub unheard: u64,
    /// Of a block that was closed by then, nothing more will be said.
    pub heard: Timestamp,
    width: Duration,
}

/// A row that may be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The block.
    pub block_id: Uuid,
    /// Units.
    pub units: u64,
    /// When its charge ends.
    pub charge_until: Timestamp,
    /// Of its grant.
    pub grant_number: i64,
}

/// What replaces some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The rows.
    pub of: Vec<Uuid>,
    /// What is charged in their place.
    pub into: NewBlock,
}

/// A block that was closed by then is taken for one of which nothing more will be said.
#[must_use]
pub fn heard(low: Timestamp) -> Timestamp {
    low.before(HEARD_WITHIN)
}

/// When something is free that is now said to be free at `free`, if nobody takes it: what is charged may be merged until then.
pub(super) fn free_by(free: Timestamp, terms: &Terms, charged: Charged) -> Timestamp {
    let is_rolling = matches!(terms.span, Span::Rolling(_));
    if is_rolling && charged.rows >= over_max(terms) {
        slice_end(free, width(terms))
    } else {
        free
    }
}

impl Merging {
    /// Of a limit to which this is charged beyond its lower clock; `None` if it has few rows.
    pub(super) fn of(limit: Uuid, terms: &Terms, charged: Charged, low: Timestamp) -> Option<Self> {
        let excess = charged.unheard.saturating_sub(UNHEARD_MAX);
        let is_many = charged.over >= over_max(terms) || excess > 0;
        // What is held has charges that are ended one by one.
        if terms.span.is_held() || !is_many {
            return None;
        }
        // Some more, or it would be as many again with the next block.
        let unheard = if excess > 0 {
            excess + UNHEARD_MAX / 8
        } else {
            0
        };
        Some(Self {
            limit,
            over: charged.over.min(ROWS_MAX),
            unheard: unheard.min(ROWS_MAX),
            heard: heard(low),
            width: width(terms),
        })
    }

    /// What replaces the rows that were found; those that are alone in their slice stay. `number` makes ids that no replica has.
    pub fn merge(self, rows: &[Row], mut number: impl FnMut() -> Uuid) -> Vec<Merged> {
        let mut slices: BTreeMap<Timestamp, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            let slice = slice_end(row.charge_until, self.width);
            slices.entry(slice).or_default().push(row);
        }
        let several = slices.into_values().filter(|rows| rows.len() > 1);
        several.map(|rows| self.into_one(&rows, number())).collect()
    }

    fn into_one(self, rows: &[&Row], block_id: Uuid) -> Merged {
        let units = rows.iter().map(|row| row.units);
        let ends = rows.iter().map(|row| row.charge_until);
        let grants = rows.iter().map(|row| row.grant_number);
        let into = NewBlock {
            block_id,
            limit_uid: self.limit,
            units: units.fold(0, u64::saturating_add),
            open_until: None,
            charge_until: ends.max().unwrap_or_default(),
            grant_number: grants.max().unwrap_or_default(),
        };
        Merged {
            of: rows.iter().map(|row| row.block_id).collect(),
            into,
        }
    }
}

fn over_max(terms: &Terms) -> u64 {
    if terms.is_long() {
        OVER_MAX
    } else {
        OVER_MAX_SHORT
    }
}

/// Of the charge time, so that there are no more slices than that however long hosts may be stopped unnoticed.
fn width(terms: &Terms) -> Duration {
    (terms.charge_time() / SLICES).max(Duration::from_micros(1))
}

/// The end of the slice that `at` falls into.
fn slice_end(at: Timestamp, width: Duration) -> Timestamp {
    let (micros, width) = (at.micros(), micros_of(width).max(1));
    let over = micros.rem_euclid(width);
    let rest = if over == 0 { 0 } else { width - over };
    Timestamp::from_micros(micros.saturating_add(rest))
}

#[cfg(test)]
mod tests;
