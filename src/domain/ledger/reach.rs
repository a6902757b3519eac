//! How far back the clocks of a limit look.

use std::time::Duration;

use super::clock::Clocks;
use crate::domain::time::Timestamp;

/// How far back the lower clock of a limit looks: over the charge time of every block that may still be charged, which is longer than
/// today's where the limit was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The longest of these charge times.
    pub charge: Duration,
    /// When, by the lower clock, the last block that is charged for longer than today has ended.
    pub until: Timestamp,
    /// Today's charge time, when the limit was last touched.
    pub today: Duration,
}

impl Reach {
    /// Of a limit that was never charged.
    pub const NONE: Self = Self {
        charge: Duration::ZERO,
        until: Timestamp::from_micros(0),
        today: Duration::ZERO,
    };

    /// With blocks that are charged for `today` from now on. Where that has changed, whatever was charged before may last as long as the
    /// longest of it would if it were charged now.
    #[must_use]
    pub fn and(self, clocks: Clocks, today: Duration) -> Self {
        // In whole microseconds, as it is stored.
        let micros = today.as_nanos().div_ceil(1_000);
        let today = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        let charge = self.longest(clocks).max(today);
        let is_kept = today < charge && charge == self.charge && today == self.today;
        let until = match is_kept {
            true => self.until,
            false => clocks.high.after(charge),
        };
        Self {
            charge,
            until,
            today,
        }
    }

    /// The longest for which anything may be charged that is.
    #[must_use]
    pub fn longest(&self, clocks: Clocks) -> Duration {
        if clocks.low < self.until {
            self.charge
        } else {
            self.today
        }
    }

    /// Looking back over this much at least, until then.
    #[must_use]
    pub fn at_least(self, charge: Duration, until: Timestamp) -> Self {
        Self {
            charge: self.charge.max(charge),
            until: self.until.max(until),
            today: self.today,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn what_is_charged_for_longer_than_today_keeps_the_clocks_looking_back() {
        let (long, short) = (Duration::from_secs(100), Duration::from_secs(65));
        let at = |seconds| Clocks {
            high: database(seconds),
            low: database(seconds),
        };
        let reach = Reach::NONE.and(at(0), long).and(at(10), long);
        assert_eq!((reach.charge, reach.until), (long, database(110)));
        // As long as anything may be charged that was stamped before the change was seen.
        let reach = reach.and(at(20), short);
        assert_eq!((reach.charge, reach.until), (long, database(120)));
        assert_eq!(reach.and(at(119), short), reach);
        let over = reach.and(at(120), short);
        assert_eq!((over.charge, over.until), (short, database(185)));
        assert_eq!(over.and(at(121), long).charge, long);
    }

    #[test]
    fn of_many_charge_times_each_is_looked_back_over() {
        let at = |seconds| Clocks {
            high: database(seconds),
            low: database(seconds),
        };
        let seconds = Duration::from_secs;
        let reach = Reach::NONE.and(at(0), seconds(91));
        let reach = reach.and(at(90), seconds(76)).and(at(92), seconds(65));
        // What was charged for 76 s at 91 lasts until 167.
        assert!(reach.and(at(166), seconds(65)).charge >= seconds(76));
        assert_eq!(reach.and(at(190), seconds(65)).charge, seconds(65));
    }
}
