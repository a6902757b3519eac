//! What is known of all chains together.

use uuid::Uuid;

use super::Chain;
use crate::domain::time::Timestamp;

/// Since when there are chains, and how many have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When the first start of a release looked that keeps this.
    pub since: Timestamp,
    /// Chains of changes that have begun.
    pub begun_changes: i64,
    /// Chains of leases that have begun.
    pub begun_leases: i64,
    /// What that start found.
    pub adopted: Option<Adopted>,
}

/// Records of releases without chains: nothing vouches for what they were before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// The chain that they were put into, as they were found.
    pub writer: Uuid,
    /// How many.
    pub rows: i64,
}

impl Standing {
    /// How many chains of a kind have begun.
    #[must_use]
    pub const fn begun(&self, chain: Chain) -> i64 {
        match chain {
            Chain::Changes => self.begun_changes,
            Chain::Leases => self.begun_leases,
        }
    }

    /// After another one has begun.
    #[must_use]
    pub const fn with_one_more(mut self, chain: Chain) -> Self {
        match chain {
            Chain::Changes => self.begun_changes += 1,
            Chain::Leases => self.begun_leases += 1,
        }
        self
    }
}
