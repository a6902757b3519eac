//! By when leases were given, as far as their reports tell: leases are numbered in the order they are given, so that whoever reports one
//! shows that those before it were given too. On this replica's boot clock, which nobody sets.

use std::collections::VecDeque;
use std::time::Duration;

use super::GRACE;
use crate::domain::pool::LEASE_DURATION_MAX;
use crate::domain::time::BootTime;

/// How far apart marks are: what is said of a lease is later than the truth by no more than this and the time until its first report.
const APART: Duration = Duration::from_mins(1);
/// How long marks are kept: leases that were given before them are over.
const KEPT: Duration = LEASE_DURATION_MAX.saturating_add(GRACE);

/// By when leases were given.
#[derive(Debug, Default)]
pub(super) struct TakenBy {
    /// Of each: the leases below this number were given by that time. The last one moves on with every report until the next begins.
    marks: VecDeque<(u64, BootTime)>,
    /// When the last mark began.
    begun: BootTime,
    /// The leases below it are over: nothing is kept that tells when they were given.
    over_below: u64,
}

impl TakenBy {
    /// A report on this lease is here now.
    pub(super) fn note(&mut self, serial: u64, now: BootTime) {
        let (below, latest) = self.marks.back().copied().unwrap_or_default();
        let mark = (below.max(serial.saturating_add(1)), latest.max(now));
        match self.marks.back_mut() {
            Some(last) if now < self.begun.after(APART) => *last = mark,
            _ => {
                self.marks.push_back(mark);
                self.begun = mark.1;
            }
        }
        while let Some((below, at)) = self.marks.front().copied()
            && mark.1 >= at.after(KEPT)
        {
            self.marks.pop_front();
            self.over_below = below;
        }
    }

    /// By when a lease of which something was noted was given: never earlier than it was, and never later than it was said to be before.
    /// `None`: so long ago that it is over.
    pub(super) fn of(&self, serial: u64) -> Option<BootTime> {
        if serial < self.over_below {
            return None;
        }
        let index = self.marks.partition_point(|(below, _)| *below <= serial);
        let (_, at) = self.marks.get(index)?;
        let is_last = index + 1 == self.marks.len();
        Some(if is_last {
            self.begun.after(APART)
        } else {
            *at
        })
    }

    /// Whether a lease is over, since nothing is kept of the time when it was given.
    pub(super) const fn is_over(&self, serial: u64) -> bool {
        serial < self.over_below
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    proptest! {
        /// However reports come: what is said of a lease once is never put off later, or what is forgotten would be taken for new.
        #[test]
        fn a_lease_was_given_no_later_than_was_said_before(
            reports in prop::collection::vec((0..1_000_u64, 0..400_u64), 1..60),
        ) {
            let (mut taken, mut now) = (TakenBy::default(), 1_000);
            let mut said: Vec<(u64, BootTime)> = Vec::new();
            for (serial, later) in reports {
                now += later;
                taken.note(serial, at(now));
                let by = taken.of(serial).unwrap();
                prop_assert!(by <= at(now).after(APART));
                said.push((serial, by));
                for (serial, by) in &said {
                    prop_assert!(taken.of(*serial).is_none_or(|now_said| now_said <= *by));
                }
            }
        }
    }

    #[test]
    fn leases_of_which_nothing_is_kept_are_over() {
        let mut taken = TakenBy::default();
        taken.note(5, at(100));
        taken.note(9, at(100).after(APART));
        assert_eq!(taken.of(5), Some(at(100)));
        taken.note(20, at(100).after(KEPT));
        assert_eq!(taken.of(5), None);
        assert!(taken.of(9).is_some());
    }
}
