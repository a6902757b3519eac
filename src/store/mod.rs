//! Floor 2: all SQL, one file per table, one query per function, checked against the schema when this is compiled.
//!
//! Functions take the connection they work on, so that the caller decides what is one transaction. Rows become domain types here;
//! a row that does not parse is [`Error::Corrupt`]. A row under a MAC comes as [`Stored`]: whoever acts on it verifies it first.

pub mod accounts;
pub mod alert_deliveries;
pub mod alerts;
pub mod audit_chains;
pub mod audit_records;
pub mod audit_standing;
pub mod callers;
pub mod canaries;
pub mod changes;
pub mod cluster;
pub mod connection;
mod convert;
pub mod cooldowns;
pub mod deletions;
mod error;
pub mod estate_rows;
pub mod foreign_reports;
pub mod grants;
pub mod health_changes;
pub mod heartbeat_rows;
pub mod incarnations;
pub mod incidents;
pub mod key_facts;
pub mod key_versions;
pub mod keys;
pub mod learned_limits;
pub mod lease_journal;
pub mod lease_renewals;
pub mod ledger_rows;
pub mod limit_blocks;
pub mod limit_charges;
pub mod limit_ledgers;
pub mod limit_merges;
pub mod limit_renewals;
pub mod limit_rounds;
mod limit_rows;
pub mod limit_spans;
pub mod limits;
pub mod master_keys;
pub mod offline_slots;
pub mod pool_members;
pub mod pool_status;
pub mod pools;
pub mod prices;
pub mod probes;
pub mod renewal_rows;
pub mod replicas;
pub mod request_ids;
pub mod rewraps;
pub mod rotations;
pub mod rotators;
pub mod rows_left;
pub mod secrets;
pub mod setbacks;
pub mod settled;
pub mod spend;
pub mod tokens;
pub mod version_cooldowns;
pub mod version_leases;
pub mod version_retries;

pub use error::Error;

/// The outcome of a query.
pub type Result<T> = std::result::Result<T, Error>;

/// What was read of a row, and the MAC that stands beside it. Nothing is proven until the MAC is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// What the row says.
    pub resource: T,
    /// The row's MAC.
    pub mac: Vec<u8>,
}

/// A slice of a list, in the order of names (or newest first, where a function says so).
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    /// The last item of the slice before; none at the start.
    pub after: Option<&'a str>,
    /// The most rows to read.
    pub rows_max: i64,
}
