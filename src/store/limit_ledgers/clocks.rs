//! The columns of `limit_ledgers` that say what time it is for a limit, and how far back its clocks look.

use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ledger::entry::Entry;
use crate::domain::time::micros_of;
use crate::store::convert::offset;

/// One array for each column.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) highs: Vec<OffsetDateTime>,
    pub(super) lows: Vec<OffsetDateTime>,
    pub(super) reaches: Vec<i64>,
    pub(super) reaches_until: Vec<OffsetDateTime>,
    pub(super) charges: Vec<i64>,
}

impl Columns {
    pub(super) fn of(moved: &[(Uuid, Entry)]) -> Self {
        let clocks = || moved.iter().map(|(_, entry)| entry.clocks);
        let reaches = || moved.iter().map(|(_, entry)| entry.reach);
        Self {
            highs: clocks().map(|clocks| offset(clocks.high)).collect(),
            lows: clocks().map(|clocks| offset(clocks.low)).collect(),
            reaches: reaches().map(|reach| micros_of(reach.charge)).collect(),
            reaches_until: reaches().map(|reach| offset(reach.until)).collect(),
            charges: reaches().map(|reach| micros_of(reach.today)).collect(),
        }
    }
}
