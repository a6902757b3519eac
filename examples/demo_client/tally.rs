//! What a client counts. It prints this as one line of JSON a second; the demo reads the lines.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Counts since the client started.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Leases given.
    pub(crate) leases: u64,
    /// Those of them that waited in line.
    pub(crate) waited: u64,
    /// Lease calls refused for want of permits or healthy keys.
    pub(crate) refused: u64,
    /// Upstream requests answered 200.
    pub(crate) succeeded: u64,
    /// Those of them that a first key had failed.
    pub(crate) rescued: u64,
    /// Upstream requests answered 401.
    pub(crate) unauthorized: u64,
    /// Upstream requests answered 429.
    pub(crate) rate_limited: u64,
    /// Leases that came too late to start with, and were given back.
    pub(crate) late: u64,
    /// Tasks dropped because too many were under way, or after too many refusals.
    pub(crate) dropped: u64,
    /// What must not happen: other failures of the vault or the provider.
    pub(crate) unexpected: u64,
    /// The first of them, in words.
    pub(crate) first_unexpected: Option<String>,
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.leases += other.leases;
        self.waited += other.waited;
        self.refused += other.refused;
        self.succeeded += other.succeeded;
        self.rescued += other.rescued;
        self.unauthorized += other.unauthorized;
        self.rate_limited += other.rate_limited;
        self.late += other.late;
        self.dropped += other.dropped;
        self.unexpected += other.unexpected;
        if self.first_unexpected.is_none() {
            self.first_unexpected.clone_from(&other.first_unexpected);
        }
    }
}
