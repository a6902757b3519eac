//! The share of leases that a provider takes again after its trial went well. Read for every lease, so without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::ProviderLive;
use crate::domain::recovery::{WHOLE, share, takes};
use crate::domain::time::Timestamp;

/// When it was found well again, until when its share grows, and what its turns since have added up to.
#[derive(Debug, Default)]
pub(super) struct Growing {
    since: AtomicI64,
    until: AtomicI64,
    credit: AtomicU64,
}

impl Growing {
    /// Since when it grows back, and how long.
    pub(super) fn since(&self, growing: Option<(Timestamp, Duration)>) {
        let (since, ramp) = growing.unwrap_or_default();
        if self.since.swap(since.micros(), Ordering::AcqRel) != since.micros() {
            // The first turn is taken.
            self.credit.store(WHOLE - 1, Ordering::Release);
            let until = since.after(ramp).micros();
            self.until.store(until, Ordering::Release);
        }
    }

    fn is_held_back(&self, now: Timestamp) -> bool {
        let until = self.until.load(Ordering::Acquire);
        if now.micros() >= until {
            return false;
        }
        let since = Timestamp::from_micros(self.since.load(Ordering::Acquire));
        let ramp = Timestamp::from_micros(until).since(since);
        let share = share(since, ramp, now);
        share < WHOLE && !takes(self.credit.fetch_add(share, Ordering::Relaxed), share)
    }
}

impl ProviderLive {
    /// Whether it leaves this turn out while it grows back: whoever asks comes again.
    #[must_use]
    pub fn is_held_back(&self, now: Timestamp) -> bool {
        self.growing.is_held_back(now)
    }
}
