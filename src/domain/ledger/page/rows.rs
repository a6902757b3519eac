//! What a transaction reads and writes of the blocks of a limit.

use uuid::Uuid;

use crate::domain::time::Timestamp;

/// What is charged to a limit beyond its lower clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charged {
    /// Units.
    pub units: u64,
    /// When the next block that is still handed out from is closed at the latest, and may give something back.
    pub next_close: Option<Timestamp>,
    /// When the last of them ends.
    pub last_end: Option<Timestamp>,
    /// Blocks and charges, together.
    pub rows: u64,
    /// Of these, those of which nothing more will be said.
    pub over: u64,
    /// Of these, closed blocks of which something may.
    pub unheard: u64,
}

impl Charged {
    /// Nothing.
    pub const NONE: Self = Self {
        units: 0,
        next_close: None,
        last_end: None,
        rows: 0,
        over: 0,
        unheard: 0,
    };
}

/// A block to insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewBlock {
    /// Made by the replica.
    pub block_id: Uuid,
    /// The limit.
    pub limit_uid: Uuid,
    /// Units.
    pub units: u64,
    /// Until when it is handed out from; `None` for a charge, which is closed from the start.
    pub open_until: Option<Timestamp>,
    /// When the charge ends.
    pub charge_until: Timestamp,
    /// Grows with every grant of the limit.
    pub grant_number: i64,
}

/// What is known of a closed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The block.
    pub block_id: Uuid,
    /// Units used of it.
    pub used: u64,
    /// When its charge ends, if sooner than it would.
    pub charge_until: Option<Timestamp>,
    /// Which of its leases are settled.
    pub settled: Vec<u8>,
    /// All of its leases have ended: nothing more will be said of it.
    pub is_ended: bool,
}

/// What a limit lacks for a need, and its lower clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lack {
    /// The limit.
    pub limit_uid: Uuid,
    /// Units.
    pub units: u64,
    /// The same for the largest need that is asked about.
    pub units_of_largest: u64,
    /// Charges end by it.
    pub low: Timestamp,
}

/// When what is lacking will be free, if it ever is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Free {
    /// For the need.
    pub need: Option<Timestamp>,
    /// For the largest need that is asked about.
    pub largest: Option<Timestamp>,
}
