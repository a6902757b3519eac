//! What a call was told that was refused: so much is free at that time. Demand to come takes nothing of it then.

use std::time::Duration;

use super::entry::Claim;
use crate::domain::terms::Terms;
use crate::domain::time::Timestamp;

/// A need that was refused, and when its caller was told to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Units.
    pub units: u64,
    /// By the database's own clock.
    pub at: Timestamp,
}

impl Told {
    /// What is kept from demand to come: from so long before that what was granted earlier, and is not used, is back by then, and
    /// for a moment after it.
    pub(super) fn promised(self, database_now: Timestamp, terms: &Terms) -> u64 {
        let life = Claim::life(terms);
        let is_near = self.at.before(life * 2) <= database_now && database_now < self.end(life);
        if is_near { self.units } else { 0 }
    }

    /// Another need was refused: whoever comes back sooner is kept room for.
    pub(super) fn or_sooner(self, other: Self, database_now: Timestamp, terms: &Terms) -> Self {
        let is_over = self.end(Claim::life(terms)) <= database_now;
        if is_over || other.at < self.at {
            other
        } else {
            self
        }
    }

    fn end(self, life: Duration) -> Timestamp {
        self.at.after(life)
    }
}
