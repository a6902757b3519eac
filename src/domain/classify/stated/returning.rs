//! How the units of a budget come back: all at its reset, or one by one until then.

use std::time::Duration;

use super::{Statement, part_of};

/// Nobody waits for more than so many times what is used now.
const WINDOWS_MAX: f64 = 1_000.0;

impl Statement {
    /// When all of it is back, from when it was said. Nothing where nobody knows.
    #[must_use]
    pub fn until_reset(&self) -> Option<Duration> {
        self.reset
    }

    /// Nothing of it is used.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.limit.is_some() && self.used().is_none()
    }

    /// Whether what is used comes back one by one.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.is_steady && self.used().is_some() && self.reset.is_some()
    }

    /// Units that have come back so long after it was said: before the reset none, unless they do one by one.
    #[must_use]
    pub fn back(&self, passed: Duration) -> u64 {
        let (Some(used), Some(reset)) = (self.used().filter(|_| self.is_steady), self.reset) else {
            return 0;
        };
        let passed = passed.min(reset).as_micros();
        let back = u128::from(used) * passed / reset.as_micros().max(1);
        u64::try_from(back).unwrap_or(used)
    }

    /// How long so many units take to come back one by one; nothing where all are back at once.
    #[must_use]
    pub fn takes(&self, units: u64) -> Option<Duration> {
        let (used, reset) = (self.used().filter(|_| self.is_steady)?, self.reset?);
        let part = (units as f64 / used as f64).min(WINDOWS_MAX);
        Some(reset.mul_f64(part))
    }

    /// What a use counts for that is said to need so much, when it is asked whether it fits what is left: what needs more than there ever
    /// is waits for as much as there is.
    #[must_use]
    pub fn needed(&self, need: u64) -> u64 {
        let most = self.remaining.unwrap_or(need);
        let needed = self
            .limit
            .map_or_else(|| need.min(most), |limit| part_of(limit, need));
        needed.max(1)
    }

    fn used(&self) -> Option<u64> {
        let used = self.limit?.checked_sub(self.remaining?);
        used.filter(|used| *used > 0)
    }
}
