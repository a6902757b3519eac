//! The columns of `limit_ledgers` that say what a failover may lose.

use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ledger::entry::Entry;
use crate::store::convert::{offset, signed};

/// One array for each column.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) newcomers_units: Vec<Option<i64>>,
    pub(super) newcomers_since: Vec<Option<OffsetDateTime>>,
    pub(super) raised_units: Vec<Option<i64>>,
    pub(super) raised_since: Vec<Option<OffsetDateTime>>,
}

impl Columns {
    pub(super) fn of(moved: &[(Uuid, Entry)]) -> Self {
        let newcomers = || moved.iter().map(|(_, entry)| entry.lately.newcomers);
        let raises = || moved.iter().map(|(_, entry)| entry.lately.raise);
        Self {
            newcomers_units: newcomers().map(|n| n.map(|n| signed(n.units))).collect(),
            newcomers_since: newcomers().map(|n| n.map(|n| offset(n.since))).collect(),
            raised_units: raises().map(|r| r.map(|r| signed(r.units))).collect(),
            raised_since: raises()
                .map(|r| r.and_then(|r| r.since).map(offset))
                .collect(),
        }
    }
}
