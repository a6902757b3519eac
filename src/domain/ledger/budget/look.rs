//! One limit as somebody sees it who only looks.

use std::sync::Arc;

use super::lack::{Because, Lack};
use crate::domain::ledger::entry::Seen;
use crate::domain::limit::Limit;

/// One limit that a need is asked of, and what it says.
#[derive(Debug, Clone)]
pub struct Look {
    /// The limit.
    pub limit: Arc<Limit>,
    /// What one use needs of it, in units of its dimension; 0 where the need is not of its kind.
    pub needed: u64,
    /// Units that this replica holds and could hand out.
    pub at_hand: u64,
    /// Units that its slot would have if the database could not be reached.
    pub offline: u64,
    /// The last grant of it that this replica has seen.
    pub seen: Seen,
    /// Why it says no; `None` if it does not, as a shadow never does.
    pub because: Option<Because>,
}

impl Look {
    /// What it lacks, if it says no.
    #[must_use]
    pub fn lack(self) -> Option<Lack> {
        Some(Lack {
            because: self.because?,
            limit: self.limit,
            needed: self.needed,
        })
    }
}
