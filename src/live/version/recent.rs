//! How much a version was used lately.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::time::Timestamp;

/// Uses in this half minute and the two before it. Counts may be off by a few when threads meet at a boundary: it orders keys, it
/// guards nothing.
#[derive(Debug, Default)]
pub(super) struct Recent {
    slots: [AtomicU64; 3],
    epoch: AtomicU64,
}

const SLOT: Duration = Duration::from_secs(30);

impl Recent {
    pub(super) fn add(&self, uses: u64, now: Timestamp) {
        let slot = self.roll(now);
        self.slots[slot].fetch_add(uses, Ordering::Relaxed);
    }

    pub(super) fn count(&self, now: Timestamp) -> u64 {
        self.roll(now);
        self.slots.iter().map(|s| s.load(Ordering::Relaxed)).sum()
    }

    /// The slot of `now`, with those that have passed emptied.
    fn roll(&self, now: Timestamp) -> usize {
        let epoch = now.micros().unsigned_abs() / SLOT.as_micros() as u64;
        let seen = self.epoch.fetch_max(epoch, Ordering::Relaxed);
        for passed in (seen + 1)..=epoch.min(seen + 3) {
            self.slots[(passed % 3) as usize].store(0, Ordering::Relaxed);
        }
        (epoch % 3) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn recent_use_is_forgotten_after_a_minute_and_a_half() {
        let recent = Recent::default();
        recent.add(5, at(1_000_000));
        recent.add(2, at(1_000_040));
        assert_eq!(recent.count(at(1_000_050)), 7);
        assert_eq!(recent.count(at(1_000_200)), 0);
    }
}
