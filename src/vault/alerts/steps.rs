//! Steps of the database's clock: by that it is told how long ago a condition was seen, and right after a step nobody has been seen lately.

use std::time::Duration;

use parking_lot::Mutex;

use super::Differing;
use crate::domain::time::{BootTime, micros_of};
use crate::live::choose::Now;

/// Of two looks at the clock more than this apart it was set.
const STEP: Duration = Duration::from_secs(2);
/// How long replicas are given to see again what holds: three looks of each.
const SEEN_AGAIN_WITHIN: Duration = Duration::from_secs(15);

/// What one replica remembers from look to look.
#[derive(Debug, Default)]
pub struct Watched {
    pub(super) differing: Differing,
    steps: Mutex<Steps>,
}

#[derive(Debug, Default)]
struct Steps {
    /// The database's clock less the boot clock, in microseconds.
    offset: Option<i64>,
    held: BootTime,
}

impl Watched {
    /// Whether what nobody has seen for so long is over. Not right after a step, nor at first, since nobody here knows of one before.
    pub(super) fn may_resolve(&self, now: Now, resolve_after: Duration) -> bool {
        let steps = &mut *self.steps.lock();
        let boot = i64::try_from(now.boot.nanos() / 1_000).unwrap_or(i64::MAX);
        let offset = now.database.micros().saturating_sub(boot);
        let known = steps.offset.replace(offset);
        let is_steady =
            known.is_some_and(|known| known.abs_diff(offset) < micros_of(STEP).unsigned_abs());
        if !is_steady {
            steps.held = now.boot.after(SEEN_AGAIN_WITHIN.min(resolve_after));
        }
        now.boot >= steps.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn nothing_is_over_right_after_the_clock_was_set() {
        let watched = Watched::default();
        let may = |boot: u64, database: i64| {
            let now = Now {
                boot: BootTime::from_nanos(boot * 1_000_000_000),
                database: Timestamp::from_micros(database * 1_000_000),
            };
            watched.may_resolve(now, Duration::from_mins(1))
        };
        assert!(!may(10, 1_000));
        assert!(!may(20, 1_010));
        assert!(may(25, 1_015));
        // An hour ahead, and back again.
        for (boot, database) in [(30, 4_620), (50, 1_040)] {
            assert!(!may(boot, database));
            assert!(!may(boot + 14, database + 14));
            assert!(may(boot + 15, database + 15));
        }
    }
}
