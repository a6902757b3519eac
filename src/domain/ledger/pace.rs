//! Of a limit of a long window little is asked at a time, so that little can be forgotten in a failover.

use std::collections::VecDeque;

use super::entry::{LONG_PERIOD, long_period_units_max};
use crate::domain::limit::Limit;
use crate::domain::time::BootTime;

/// What one replica was granted during the last [`LONG_PERIOD`].
#[derive(Debug, Default)]
pub(super) struct Pace {
    granted: VecDeque<(BootTime, u64)>,
}

impl Pace {
    /// So many units were granted to an ask that was sent then.
    pub(super) fn granted(&mut self, units: u64, sent: BootTime) {
        self.granted.push_back((sent, units));
        self.forget(sent);
    }

    /// How many of `want` may be asked for now. A need that is larger than the share is let through when nothing else was granted
    /// lately.
    ///
    /// # Errors
    /// It is too early to ask: not before this time.
    pub(super) fn hold(
        &mut self,
        want: u64,
        need: u64,
        limit: &Limit,
        now: BootTime,
    ) -> Result<u64, BootTime> {
        self.forget(now);
        if !limit.terms().is_long() {
            return Ok(want);
        }
        let lately: u64 = self.granted.iter().map(|(_, units)| units).sum();
        let left = long_period_units_max(limit.amount).saturating_sub(lately);
        match self.freed_by(need, long_period_units_max(limit.amount), lately) {
            Some(sent) if left < need => Err(sent.after(LONG_PERIOD)),
            _ => Ok(want.min(left.max(need))),
        }
    }

    /// When the last was sent of the grants that have to be forgotten until a share leaves so much room, oldest first; of all of them,
    /// where the need is larger than the share.
    fn freed_by(&self, need: u64, share: u64, lately: u64) -> Option<BootTime> {
        let mut kept = lately;
        let mut sent = None;
        for (granted, units) in &self.granted {
            kept -= units;
            sent = Some(*granted);
            if share.saturating_sub(kept) >= need {
                break;
            }
        }
        sent
    }

    fn forget(&mut self, now: BootTime) {
        let is_old = |sent: &BootTime| now.since(*sent) >= LONG_PERIOD;
        while self.granted.front().is_some_and(|(sent, _)| is_old(sent)) {
            self.granted.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::ledger::example::limit;
    use crate::domain::limit::Dimension;

    const fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn it_is_too_early_until_as_many_grants_are_forgotten_as_the_need_takes() {
        let limit = limit(1, Dimension::Tokens, 64_000, Duration::from_hours(24));
        let mut pace = Pace::default();
        pace.granted(300, at(100));
        pace.granted(700, at(105));
        for (need, not_before) in [(300, 110), (301, 115), (800, 115), (5_000, 115)] {
            let held = pace.hold(need, need, &limit, at(106));
            assert_eq!(held, Err(at(not_before)), "{need}");
            let held = pace.hold(need, need, &limit, at(not_before - 1));
            assert!(held.is_err(), "{need}");
        }
        assert_eq!(pace.hold(300, 300, &limit, at(110)), Ok(300));
        assert_eq!(pace.hold(800, 800, &limit, at(115)), Ok(800));
    }
}
