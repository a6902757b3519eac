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
        match self.granted.front() {
            Some((sent, _)) if left < need => Err(sent.after(LONG_PERIOD)),
            _ => Ok(want.min(left.max(need))),
        }
    }

    fn forget(&mut self, now: BootTime) {
        let is_old = |sent: &BootTime| now.since(*sent) >= LONG_PERIOD;
        while self.granted.front().is_some_and(|(sent, _)| is_old(sent)) {
            self.granted.pop_front();
        }
    }
}
