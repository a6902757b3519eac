//! The share of leases that a provider takes again after its trial went well, and whether several of its keys are in use. Read for every
//! lease, so without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::ProviderLive;
use crate::domain::recovery::{WHOLE, share, takes};
use crate::domain::time::{Timestamp, micros_of};

/// How long after two keys were used in turn several count as being in use.
const IN_TURN: Duration = Duration::from_mins(2);

/// When it was found well again, until when its share grows, and what its turns since have added up to.
#[derive(Debug)]
pub(super) struct Growing {
    since: AtomicI64,
    until: AtomicI64,
    credit: AtomicU64,
    /// The last key that was used, in short.
    last: AtomicU64,
    /// When another was used than the last one.
    mixed: AtomicI64,
}

impl Default for Growing {
    fn default() -> Self {
        Self {
            since: AtomicI64::default(),
            until: AtomicI64::default(),
            credit: AtomicU64::default(),
            last: AtomicU64::default(),
            mixed: AtomicI64::new(i64::MIN),
        }
    }
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

    /// Off by one where threads meet, which guards nothing.
    fn used(&self, version: Uuid, now: Timestamp) {
        let short = version.as_u64_pair().1;
        let last = self.last.load(Ordering::Relaxed);
        if last != short {
            self.last.store(short, Ordering::Relaxed);
            let mixed = if last == 0 { i64::MIN } else { now.micros() };
            self.mixed.store(mixed, Ordering::Relaxed);
        }
    }

    /// Whether two keys were used in turn lately.
    pub(super) fn are_several(&self, now: Timestamp) -> bool {
        let mixed = self.mixed.load(Ordering::Relaxed);
        now.micros() < mixed.saturating_add(micros_of(IN_TURN))
    }
}

impl ProviderLive {
    /// A lease of this version is given.
    pub fn used(&self, version: Uuid, now: Timestamp) {
        self.growing.used(version, now);
    }

    /// Whether it leaves this turn out while it grows back: whoever asks comes again.
    #[must_use]
    pub fn is_held_back(&self, now: Timestamp) -> bool {
        self.growing.is_held_back(now)
    }
}
