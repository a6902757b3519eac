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
    fn a_call_that_came_before_the_one_that_was_answered_is_promised_no_later_moment() {
        let bounds = Bounds::new(at(100), Duration::from_secs(3), Duration::from_mins(1));
        let left = bounds.left(at(98)).unwrap();
        assert_eq!(at(98).after(left.start_within), bounds.starts_by);
    }
}
