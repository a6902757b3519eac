//! Keys that were dead, and leave most of their turns to others while they grow back.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::live::snapshot::{Candidate, PoolEntry};

/// What one call leaves aside of them, until no other key can serve.
#[derive(Debug)]
pub(super) struct Growing<'a> {
    ramp: Duration,
    pub(super) held_back: Vec<&'a Candidate>,
}

impl<'a> Growing<'a> {
    pub(super) fn new(pool: &PoolEntry) -> Self {
        Self {
            ramp: pool.pool.health_policy.recovery_ramp(),
            held_back: Vec::new(),
        }
    }

    /// Whether a key leaves this turn to others.
    pub(super) fn holds_back(&mut self, candidate: &'a Candidate, now: Timestamp) -> bool {
        let version = candidate.version.as_ref();
        let is_held_back = version.is_some_and(|v| v.live.is_held_back(self.ramp, now));
        if is_held_back {
            self.held_back.push(candidate);
        }
        is_held_back
    }
}
