//! How far the journal is behind: whether records gave way to counts, and how long what is being written has waited.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::time::BootTime;

/// For so long after a record gave way to a count the journal is said to be behind.
const BEHIND_FOR: Duration = Duration::from_secs(60);
/// What has waited for so long is not being written: many times what a commit takes, and what a busy line waits.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// Times on the clock of this host; 0 for none.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// When a record last gave way to a count, or a count to one without names.
    gave_way: AtomicU64,
    /// Since when the oldest of what is being written waits. The writer has all that waits, or what came before it, in hand at once.
    oldest: AtomicU64,
}

impl Lag {
    pub(super) fn gives_way(&self, now: BootTime) {
        self.gave_way.store(now.nanos().max(1), Ordering::Relaxed);
    }

    pub(super) fn writes(&self, oldest: Option<BootTime>) {
        let nanos = oldest.map_or(0, |oldest| oldest.nanos().max(1));
        self.oldest.store(nanos, Ordering::Relaxed);
    }

    /// Nothing is written, however little waits.
    pub(super) fn is_stuck(&self, now: BootTime) -> bool {
        age(&self.oldest, now).is_some_and(|age| age >= STUCK_AFTER)
    }

    /// It is stuck, or records give way to counts.
    pub(super) fn is_behind(&self, now: BootTime) -> bool {
        self.is_stuck(now) || age(&self.gave_way, now).is_some_and(|age| age < BEHIND_FOR)
    }
}

fn age(time: &AtomicU64, now: BootTime) -> Option<Duration> {
    let nanos = time.load(Ordering::Relaxed);
    (nanos > 0).then(|| now.since(BootTime::from_nanos(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn what_waits_too_long_is_stuck_until_it_is_written() {
        let lag = Lag::default();
        assert!(!lag.is_behind(at(100)));
        lag.writes(Some(at(100)));
        assert!(!lag.is_stuck(at(109)));
        assert!(lag.is_stuck(at(110)) && lag.is_behind(at(110)));
        lag.writes(None);
        assert!(!lag.is_behind(at(111)));
    }

    #[test]
    fn what_gave_way_is_told_for_a_while() {
        let lag = Lag::default();
        lag.gives_way(at(100));
        assert!(lag.is_behind(at(159)) && !lag.is_stuck(at(159)));
        assert!(!lag.is_behind(at(160)));
    }
}
