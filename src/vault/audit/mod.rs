//! The audit's chains: what is written can be read and removed by whoever writes to the database, and never unseen.
//!
//! A writer is one boot of one replica. It keeps the head of its chain in memory too: one that was set back below that while the
//! replica runs is noticed with the next record, which begins a new chain that says what the old one was.

pub(super) mod changes;
mod export;
mod hashes;
mod heads;
mod leases;
pub(super) mod report;
mod retention;
pub(super) mod standing;
#[cfg(test)]
mod vectors;
pub(super) mod verify;
pub(super) mod watch;
pub(super) mod writer;

pub use report::{AuditReport, ChainReport};
pub use retention::Pruner;

use crate::domain::time::Timestamp;

/// Bytes as they are printed.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time as it is printed.
fn written(time: Timestamp) -> String {
    let since = time.since(Timestamp::from_micros(0));
    let time = std::time::UNIX_EPOCH.checked_add(since);
    time.map_or_else(String::new, |time| {
        humantime::format_rfc3339_micros(time).to_string()
    })
}
