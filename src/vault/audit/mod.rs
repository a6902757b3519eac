//! The audit's chains: what is written can be read and removed by whoever writes to the database, and never unseen.
//!
//! A writer is one boot of one replica. It keeps the head of its chain in memory too: one that was set back below that while the
//! replica runs is noticed with the next record, which begins a new chain that says what the old one was.

pub(super) mod changes;
mod export;
mod hashes;
mod leases;
pub(super) mod report;
mod retention;
mod verify;
pub(super) mod writer;

pub use report::{AuditReport, ChainReport};

/// Bytes as they are printed.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
