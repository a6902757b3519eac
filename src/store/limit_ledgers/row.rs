//! A row of `limit_ledgers` as it is read.

use std::time::Duration;

use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::offline::plan;
use crate::domain::ledger::clock::Clocks;
use crate::domain::ledger::entry::{Claim, Entry};
use crate::domain::ledger::losable::{Lately, Newcomers, Raise};
use crate::domain::ledger::offline::reserve::{Kept, Reserve};
use crate::domain::ledger::reach::Reach;
use crate::domain::ledger::told::Told;
use crate::store::convert::{timestamp, unsigned};

/// One column each.
#[derive(Debug)]
pub(super) struct LockedRow {
    pub(super) limit_uid: Uuid,
    pub(super) last_high: OffsetDateTime,
    pub(super) last_low: OffsetDateTime,
    pub(super) reach_micros: i64,
    pub(super) reach_until: OffsetDateTime,
    pub(super) charge_micros: i64,
    pub(super) grant_number: i64,
    pub(super) incarnation: i64,
    pub(super) frozen_until: Option<OffsetDateTime>,
    pub(super) claim_boot_id: Option<Uuid>,
    pub(super) claim_units: Option<i64>,
    pub(super) claim_until: Option<OffsetDateTime>,
    pub(super) told_units: Option<i64>,
    pub(super) told_at: Option<OffsetDateTime>,
    pub(super) block_units_max: i64,
    pub(super) newcomers_units: Option<i64>,
    pub(super) newcomers_since: Option<OffsetDateTime>,
    pub(super) raised_units: Option<i64>,
    pub(super) raised_since: Option<OffsetDateTime>,
    pub(super) offline_slot_units: i64,
    pub(super) offline_slots: i32,
    pub(super) offline_window_ms: i64,
    pub(super) offline_reach_ms: i64,
    pub(super) offline_kept_units: i64,
    pub(super) offline_kept_until: Option<OffsetDateTime>,
    pub(super) offline_ripe_at: Option<OffsetDateTime>,
}

impl LockedRow {
    /// As the ledger knows it.
    pub(super) fn parsed(self) -> (Uuid, Entry) {
        let row = self;
        let claim = row.claim_boot_id.zip(row.claim_units).zip(row.claim_until);
        let claim = claim.map(|((boot_id, units), until)| Claim {
            boot_id,
            units: unsigned(units),
            until: timestamp(until),
        });
        let told = row.told_units.zip(row.told_at);
        let newcomers = row.newcomers_units.zip(row.newcomers_since);
        let entry = Entry {
            clocks: Clocks {
                high: timestamp(row.last_high),
                low: timestamp(row.last_low),
            },
            reach: Reach {
                charge: Duration::from_micros(unsigned(row.reach_micros)),
                until: timestamp(row.reach_until),
                today: Duration::from_micros(unsigned(row.charge_micros)),
            },
            grant_number: row.grant_number,
            incarnation: row.incarnation,
            frozen_until: row.frozen_until.map(timestamp),
            claim,
            told: told.map(|(units, at)| Told {
                units: unsigned(units),
                at: timestamp(at),
            }),
            block_units_max: unsigned(row.block_units_max),
            lately: Lately {
                newcomers: newcomers.map(|(units, since)| Newcomers {
                    units: unsigned(units),
                    since: timestamp(since),
                }),
                raise: row.raised_units.map(|units| Raise {
                    units: unsigned(units),
                    since: row.raised_since.map(timestamp),
                }),
            },
            offline: Reserve {
                plan: plan(
                    row.offline_slot_units,
                    row.offline_slots,
                    row.offline_window_ms,
                    row.offline_reach_ms,
                ),
                kept: row.offline_kept_until.map(|until| Kept {
                    units: unsigned(row.offline_kept_units),
                    until: timestamp(until),
                }),
                ripe_at: row.offline_ripe_at.map(timestamp),
            },
        };
        (row.limit_uid, entry)
    }
}
