//! How much of a limit was asked for lately: what the next block is sized by.

use std::time::Duration;

use crate::domain::time::BootTime;

/// Units asked for, per stretch of D: the one that runs and the one before.
#[derive(Debug, Default)]
pub(super) struct Demand {
    since: BootTime,
    running: u64,
    before: u64,
}

impl Demand {
    /// So many units were asked for.
    pub(super) fn add(&mut self, units: u64, now: BootTime, validity: Duration) {
        self.roll(now, validity);
        self.running = self.running.saturating_add(units);
    }

    /// How many are expected per stretch of D.
    pub(super) fn per_validity(&mut self, now: BootTime, validity: Duration) -> u64 {
        self.roll(now, validity);
        self.running.max(self.before)
    }

    fn roll(&mut self, now: BootTime, validity: Duration) {
        let age = now.since(self.since);
        if age >= validity * 2 {
            self.before = 0;
        } else if age >= validity {
            self.before = self.running;
        } else {
            return;
        }
        self.running = 0;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demand_is_forgotten_after_two_stretches_of_silence() {
        let (mut demand, d) = (Demand::default(), Duration::from_secs(1));
        let at = |millis: u64| BootTime::from_nanos(millis * 1_000_000);
        demand.add(7, at(5_000), d);
        assert_eq!(demand.per_validity(at(5_999), d), 7);
        assert_eq!(demand.per_validity(at(6_100), d), 7);
        assert_eq!(demand.per_validity(at(9_000), d), 0);
    }
}
