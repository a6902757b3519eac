//! Of a limit of a long window little is asked at a time, so that little can be forgotten in a failover.

use std::collections::VecDeque;

use super::entry::{LONG_PERIOD, long_period_units_max};
use crate::domain::limit::Limit;
use crate::domain::time::BootTime;

/// What one replica was granted during the last [`LONG_PERIOD`].
#[derive(Debug, Default)]
pub(super) struct Pace {
    granted: VecDeque<(BootTime, u64)>,
    /// What is granted may be forgotten, so that the pace is kept.
    is_kept: bool,
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
        let left = self.left(limit, now);
        match self.too_early(need, limit, now) {
            Some(not_before) => Err(not_before),
            None => Ok(left.map_or(want, |left| want.min(left.max(need)))),
        }
    }

    /// Whether what was granted may be forgotten, as it was last known.
    pub(super) const fn keep(&mut self, is_kept: bool) {
        self.is_kept = is_kept;
    }

    /// Until when so much could not be asked for at a time to come, if nothing else is granted until then.
    pub(super) fn puts_off(&self, need: u64, limit: &Limit, at: BootTime) -> Option<BootTime> {
        self.too_early(need, limit, at).filter(|_| self.is_kept)
    }

    /// What is left of the share of a limit that has one.
    fn left(&self, limit: &Limit, at: BootTime) -> Option<u64> {
        let lately: u64 = self.lately(at).map(|(_, units)| units).sum();
        let share = long_period_units_max(limit.amount);
        limit
            .terms()
            .is_long()
            .then(|| share.saturating_sub(lately))
    }

    fn too_early(&self, need: u64, limit: &Limit, at: BootTime) -> Option<BootTime> {
        let left = self.left(limit, at)?;
        let sent = self.freed_by(need, long_period_units_max(limit.amount), at)?;
        (left < need).then(|| sent.after(LONG_PERIOD))
    }

    /// When the last was sent of the grants that have to be forgotten until a share leaves so much room, oldest first; of all of them,
    /// where the need is larger than the share.
    fn freed_by(&self, need: u64, share: u64, at: BootTime) -> Option<BootTime> {
        let mut kept: u64 = self.lately(at).map(|(_, units)| units).sum();
        let mut sent = None;
        for (granted, units) in self.lately(at) {
            kept -= units;
            sent = Some(granted);
            if share.saturating_sub(kept) >= need {
                break;
            }
        }
        sent
    }

    fn lately(&self, at: BootTime) -> impl Iterator<Item = (BootTime, u64)> {
        let granted = self.granted.iter().copied();
        granted.filter(move |(sent, _)| !is_old(*sent, at))
    }

    fn forget(&mut self, now: BootTime) {
        while self
            .granted
            .front()
            .is_some_and(|(sent, _)| is_old(*sent, now))
        {
            self.granted.pop_front();
        }
    }
}

fn is_old(sent: BootTime, now: BootTime) -> bool {
    now.since(sent) >= LONG_PERIOD
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
        // Of a time to come the same is known, where the pace is kept at all.
        assert_eq!(pace.puts_off(300, &limit, at(109)), None);
        pace.keep(true);
        assert_eq!(pace.puts_off(300, &limit, at(109)), Some(at(110)));
        assert_eq!(pace.puts_off(300, &limit, at(110)), None);
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
