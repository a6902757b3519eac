//! A report as it comes, and what becomes of it.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::ledger::block::Ending;
use crate::domain::time::BootTime;

/// One report of one lease.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    /// Whose lease it is.
    pub caller: Uuid,
    /// The lease's number.
    pub serial: u64,
    /// The report's number.
    pub sequence: u32,
    /// Uses it is about.
    pub uses: u32,
    /// Uses of the lease.
    pub granted: u32,
    /// No more will come.
    pub is_final: bool,
    /// What it says of its uses.
    pub ending: Ending,
    /// How long it lasts from when it was given, unless it was renewed.
    pub lasts: Duration,
    /// Until when it goes on at least, where it is known to have been renewed.
    pub renewed: Option<BootTime>,
}

/// What is known of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It counts. With the last one comes what all of them say of the lease: sure only if every use was reported.
    New(Option<Ending>),
    /// It was counted before.
    Duplicate,
    /// It is new, and no use of the lease is left to be reported.
    Exhausted,
    /// It says more uses than are left; so many are.
    TooMany(u32),
    /// Too many leases are being reported in parts, of this caller or of all; report whole, or later.
    Full,
    /// The lease is older than anything kept.
    Forgotten,
}
