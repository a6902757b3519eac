//! The share of its turns that a version takes while it grows back.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::recovery::{WHOLE, share, takes};
use crate::domain::time::Timestamp;

/// It has not been dead.
const NEVER: i64 = i64::MIN;

/// When a version was well again, and what its turns since have added up to. Read for every lease, so without a lock.
#[derive(Debug)]
pub(super) struct Recovering {
    at: AtomicI64,
    credit: AtomicU64,
}

impl Default for Recovering {
    fn default() -> Self {
        Self {
            at: AtomicI64::new(NEVER),
            credit: AtomicU64::new(0),
        }
    }
}

impl Recovering {
    /// It was well again then; `None` where it has not been dead.
    pub(super) fn since(&self, at: Option<Timestamp>) {
        let at = at.map_or(NEVER, Timestamp::micros);
        self.at.store(at, Ordering::Relaxed);
    }

    /// Whether it leaves this turn to others.
    pub(super) fn is_held_back(&self, ramp: Duration, now: Timestamp) -> bool {
        let share = self.share(ramp, now);
        share.is_some_and(|share| !takes(self.credit.fetch_add(share, Ordering::Relaxed), share))
    }

    /// What it takes of its turns, out of [`WHOLE`]; `None` where that is all of them.
    pub(super) fn share(&self, ramp: Duration, now: Timestamp) -> Option<u64> {
        let at = self.at.load(Ordering::Relaxed);
        let share = (at != NEVER).then(|| share(Timestamp::from_micros(at), ramp, now));
        share.filter(|share| *share < WHOLE)
    }
}
