//! What a lease still promises to a call that is sent again.

use std::time::Duration;

use super::time::BootTime;

/// The moments by which a lease must have been used, by its issuer's boot clock. A call that is sent again is promised the time that is
/// left until the same moments, never the same durations anew: the permits behind them are charged from when they were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Its uses start before.
    pub starts_by: BootTime,
    /// Its uses are reported before.
    pub reports_by: BootTime,
}

/// What is left of a lease, counted from when the call was sent that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// To start.
    pub start_within: Duration,
    /// To report.
    pub report_within: Duration,
}

impl Bounds {
    /// Of a lease that promised these durations to a call that came at `received`.
    #[must_use]
    pub fn new(received: BootTime, start_within: Duration, report_within: Duration) -> Self {
        Self {
            starts_by: received.after(start_within),
            reports_by: received.after(report_within),
        }
    }

    /// Until when it matters that the lease was given again at `now`: as long as it can be reported, and something of what it drew, which
    /// stays charged for these times, can come back. Of a lease that drew nothing, nothing ever does.
    #[must_use]
    pub fn matters_until(
        &self,
        charge_times: Vec<Option<Duration>>,
        now: BootTime,
    ) -> Option<BootTime> {
        let charged_until =
            |time: Option<Duration>| time.map_or(self.reports_by, |time| now.after(time));
        let charged = charge_times.into_iter().map(charged_until);
        charged.max().map(|until| until.min(self.reports_by))
    }

    /// What is left for a call that came at `received`, which was sent before; `None` if it is too late to start.
    #[must_use]
    pub fn left(&self, received: BootTime) -> Option<Left> {
        let start_within = self.starts_by.since(received);
        (!start_within.is_zero()).then(|| Left {
            start_within,
            report_within: self.reports_by.since(received),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_replay_is_promised_what_is_left_and_nothing_when_nothing_is() {
        let bounds = Bounds::new(at(100), Duration::from_secs(3), Duration::from_mins(1));
        let left = bounds.left(at(102)).unwrap();
        assert_eq!(left.start_within, Duration::from_secs(1));
        assert_eq!(left.report_within, Duration::from_secs(58));
        assert_eq!(bounds.left(at(103)), None);
        assert_eq!(bounds.left(at(500)), None);
    }

    #[test]
    fn a_replay_matters_while_something_can_come_back_and_be_reported() {
        let bounds = Bounds::new(at(100), Duration::from_secs(3), Duration::from_mins(1));
        let until = |times: &[Option<u64>]| {
            let times = times.iter().map(|time| time.map(Duration::from_secs));
            bounds.matters_until(times.collect(), at(102))
        };
        assert_eq!(until(&[]), None);
        assert_eq!(until(&[Some(5), Some(9)]), Some(at(111)));
        assert_eq!(until(&[Some(5), Some(900)]), Some(at(160)));
        assert_eq!(until(&[Some(5), None]), Some(at(160)));
    }

    #[test]
    fn a_call_that_came_before_the_one_that_was_answered_is_promised_no_later_moment() {
        let bounds = Bounds::new(at(100), Duration::from_secs(3), Duration::from_mins(1));
        let left = bounds.left(at(98)).unwrap();
        assert_eq!(at(98).after(left.start_within), bounds.starts_by);
    }
}
