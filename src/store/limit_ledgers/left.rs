//! The columns of `limit_ledgers` that say what is left room for.

use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ledger::entry::Entry;
use crate::store::convert::{offset, signed};

/// One array for each column.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) claimers: Vec<Option<Uuid>>,
    pub(super) claimed: Vec<Option<i64>>,
    pub(super) claimed_until: Vec<Option<OffsetDateTime>>,
    pub(super) told_units: Vec<Option<i64>>,
    pub(super) told_at: Vec<Option<OffsetDateTime>>,
}

impl Left {
    pub(super) fn of(moved: &[(Uuid, Entry)]) -> Self {
        let claims = || moved.iter().map(|(_, entry)| entry.claim);
        let told = || moved.iter().map(|(_, entry)| entry.told);
        Self {
            claimers: claims().map(|c| c.map(|c| c.boot_id)).collect(),
            claimed: claims().map(|c| c.map(|c| signed(c.units))).collect(),
            claimed_until: claims().map(|c| c.map(|c| offset(c.until))).collect(),
            told_units: told().map(|t| t.map(|t| signed(t.units))).collect(),
            told_at: told().map(|t| t.map(|t| offset(t.at))).collect(),
        }
    }
}
