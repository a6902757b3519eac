//! The database's clock, held against this replica's own: what seems to be over, or yet to come, since somebody set the former is not
//! believed where nobody could take back what follows from it.

use std::time::Duration;

use super::choose::Now;
use crate::domain::time::{BootTime, Timestamp};

/// What the database's clock may be off without having been set: a month of drift.
const OFF_MIN: Duration = Duration::from_mins(5);
/// A clock that was set back is believed when it has gone on from there for so long: it was wrong before, and has been put right. So is one
/// that was doubted from the beginning.
pub const BACK_BELIEVED: Duration = Duration::from_hours(1);

/// The database's clock as it was when this replica looked first, and went on by the replica's own.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    first: Now,
    back_since: Option<BootTime>,
    /// Something was later than this clock already when it was looked at first, or all was much earlier: who of them is wrong is not known.
    is_doubted: bool,
}

impl Steady {
    /// From what both say now.
    #[must_use]
    pub const fn new(first: Now) -> Self {
        Self {
            first,
            back_since: None,
            is_doubted: false,
        }
    }

    /// The same of a clock that is behind what is stored: it is behind, or has been put right after it was ahead. Or it is far ahead of all
    /// that is stored: it is ahead, or nobody was there for a while. It is believed when it has gone on for long enough, as one that was set
    /// back is.
    #[must_use]
    pub const fn doubted(first: Now) -> Self {
        Self {
            is_doubted: true,
            ..Self::new(first)
        }
    }

    /// Whether it is not known yet if this clock was wrong from the beginning.
    #[must_use]
    pub const fn is_doubted(&self) -> bool {
        self.is_doubted
    }

    fn expected(&self, now: Now) -> Timestamp {
        self.first.database.after(now.boot.since(self.first.boot))
    }

    /// How far the database's clock has been set forward since.
    #[must_use]
    pub fn ahead(&self, now: Now) -> Duration {
        let ahead = now.database.since(self.expected(now));
        // Clocks run at rates of their own.
        if ahead < OFF_MIN {
            Duration::ZERO
        } else {
            ahead
        }
    }

    /// The time, without what the database's clock has been set forward since.
    #[must_use]
    pub fn time(&self, now: Now) -> Timestamp {
        now.database.before(self.ahead(now))
    }

    /// Whether the database's clock goes as it did, and was not behind what is stored; or has gone on for long enough since it was.
    pub fn look(&mut self, now: Now) -> bool {
        if self.expected(now).since(now.database) < OFF_MIN {
            self.back_since = None;
            self.is_doubted &= now.boot.since(self.first.boot) < BACK_BELIEVED;
            return !self.is_doubted && self.ahead(now).is_zero();
        }
        let since = *self.back_since.get_or_insert(now.boot);
        let is_believed = now.boot.since(since) >= BACK_BELIEVED;
        if is_believed {
            *self = Self::new(now);
        }
        is_believed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: i64 = 365 * 24 * 3_600;

    const fn now(boot_seconds: u64, database_seconds: i64) -> Now {
        Now {
            boot: BootTime::from_nanos(boot_seconds * 1_000_000_000),
            database: Timestamp::from_micros(database_seconds * 1_000_000),
        }
    }

    #[test]
    fn a_clock_that_is_set_forward_makes_nothing_older() {
        let steady = Steady::new(now(100, 5_000));
        assert_eq!(steady.ahead(now(3_700, 8_600)), Duration::ZERO);
        assert_eq!(steady.ahead(now(3_700, 8_660)), Duration::ZERO);
        let set = now(3_700, 8_600 + YEAR);
        assert_eq!(steady.ahead(set).as_secs(), YEAR.unsigned_abs());
        assert_eq!(steady.time(set), now(0, 8_600).database);
        // Set back, everything is young.
        assert_eq!(steady.ahead(now(3_700, 10)), Duration::ZERO);
        assert_eq!(steady.time(now(3_700, 10)), now(0, 10).database);
    }

    #[test]
    fn a_clock_is_steady_again_when_it_is_put_right_and_after_an_hour_where_it_was_set_back() {
        let mut steady = Steady::new(now(100, 5_000));
        assert!(steady.look(now(200, 5_100)));
        // Ahead for an hour, and put right.
        assert!(!steady.look(now(300, 5_200 + YEAR)));
        assert!(steady.look(now(3_900, 8_800)));
        // Whoever began while it was ahead sees it set back.
        let mut steady = Steady::new(now(100, YEAR));
        assert!(!steady.look(now(200, 5_000)));
        assert!(!steady.look(now(3_700, 8_500)));
        assert!(steady.look(now(3_800, 8_600)));
        // Whoever begins while it is behind sees nothing of that, but what is stored.
        let mut steady = Steady::doubted(now(100, 5_000));
        assert!(!steady.look(now(100, 5_000)));
        assert!(!steady.look(now(3_600, 8_500)));
        assert!(steady.is_doubted());
        assert_eq!(steady.ahead(now(3_600, YEAR)).as_secs() / 3_600, 8_757);
        assert!(!steady.look(now(3_650, YEAR)));
        assert!(steady.look(now(3_700, 8_600)));
        assert!(!steady.is_doubted());
        assert!(!steady.look(now(3_800, 5_000)));
        // Whoever begins while it is ahead believes it no sooner since it was put right meanwhile.
        let mut steady = Steady::doubted(now(100, YEAR));
        assert!(!steady.look(now(200, YEAR + 100)));
        assert!(!steady.look(now(1_000, 5_000)));
        assert!(!steady.look(now(4_500, 8_500)) && steady.is_doubted());
        assert!(steady.look(now(4_600, 8_600)) && !steady.is_doubted());
        // From there on it is ahead when it is set forward.
        let mut steady = Steady::new(now(100, YEAR));
        assert!(!steady.look(now(200, 5_000)));
        assert!(steady.look(now(3_800, 8_600)));
        assert_eq!(steady.ahead(now(3_900, YEAR)).as_secs() / 3_600, 8_757);
    }
}
