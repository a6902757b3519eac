//! The share of leases that a provider takes again after its trial went well. Read for every lease, so without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::ProviderLive;
use crate::domain::recovery::{Grown, WHOLE, share, takes};
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
        let share = self.share(now);
        share.is_some_and(|(share, _)| {
            !takes(self.credit.fetch_add(share, Ordering::Relaxed), share)
        })
    }

    /// The share that it takes, and until when it grows; `None` for the whole.
    fn share(&self, now: Timestamp) -> Option<(u64, Timestamp)> {
        let until = Timestamp::from_micros(self.until.load(Ordering::Acquire));
        if now >= until {
            return None;
        }
        let since = Timestamp::from_micros(self.since.load(Ordering::Acquire));
        let share = share(since, until.since(since), now);
        (share < WHOLE).then_some((share, until))
    }
}

impl ProviderLive {
    /// Whether it leaves this turn out while it grows back: whoever asks comes again.
    #[must_use]
    pub fn is_held_back(&self, now: Timestamp) -> bool {
        self.growing.is_held_back(now)
    }

    /// How far it has grown back, while it does: a look that takes no turn.
    #[must_use]
    pub fn grown(&self, now: Timestamp) -> Option<Grown> {
        let (share, until) = self.growing.share(now)?;
        let percent = u8::try_from(share * 100 / WHOLE).ok()?;
        Some(Grown { percent, until })
    }
}
