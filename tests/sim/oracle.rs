//! What is true: when uses started. It knows nothing of blocks, clocks or leases.

use std::fmt;

use keylease::domain::terms::Span;

use crate::time::{SECOND, Time};

mod amounts;
mod held;
mod spans;

/// Starts of one limit: when, and of how many units.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    starts: Vec<(Time, u64)>,
    held: Vec<(Time, Time, u64)>,
    /// When the limit did not bind, as it had just come to be.
    unbound: Vec<(Time, Time)>,
    /// Units used beyond what was promised for them: no window is promised to hold these, but in the long run they count.
    more: Vec<(Time, u64)>,
    /// From when on the limit was of which amount, where it was changed.
    amounts: Vec<(Time, u64)>,
    /// The windows that it had, where they were changed.
    spans: Vec<Counted>,
}

/// A window, and the starts that count over it: those after `from` and before `until`.
#[derive(Debug, Clone, Copy)]
struct Counted {
    from: Time,
    until: Time,
    window: Time,
}

/// Over what a limit counts, in true time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// Any stretch of this length.
    Window(Time),
    /// The days before and after this midnight.
    Day(Time),
    /// Whatever is held at one time.
    Held,
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict {
    /// The busiest window, as a share of N.
    pub(crate) worst: f64,
    /// Use from the second window on, as a share of N.
    pub(crate) share: f64,
    /// Uses that took a quarter of N or more.
    pub(crate) large: usize,
    /// Units handed out while the database could not be reached.
    pub(crate) offline: u64,
    /// Charges that ended before what they stand for.
    pub(crate) early: u64,
    /// Refused callers who came back when told to, and were given a lease; and those who were not.
    pub(crate) kept: usize,
    pub(crate) broken: usize,
    /// Of the replica that gave least, as a share of what all gave on average.
    pub(crate) least_served: f64,
    /// As `share`, with what was used beyond the estimates.
    pub(crate) with_overuse: f64,
}

impl Oracle {
    pub(crate) fn started(&mut self, at: Time, units: u64) {
        self.starts.push((at, units));
    }

    /// Uses that started took so many units more than was estimated.
    pub(crate) fn took_more(&mut self, at: Time, units: u64) {
        if units > 0 {
            self.more.push((at, units));
        }
    }

    /// The most units in any window of this length: closed at its beginning, open at its end.
    pub(crate) fn busiest(&mut self, window: Time) -> u64 {
        self.starts.sort_unstable();
        let (mut first, mut sum, mut most) = (0, 0, 0);
        for (at, units) in &self.starts {
            sum += units;
            while self.starts[first].0 + window <= *at {
                sum -= self.starts[first].1;
                first += 1;
            }
            most = most.max(sum);
        }
        most
    }

    /// The most units that started on one side of a midnight, wherever within the offset of clocks a provider sees it.
    fn busiest_day(&self, midnight: Time) -> u64 {
        let offsets = (0..=10).map(|half| (half * SECOND / 2, 5 * SECOND / 2));
        let days = offsets.map(|(late, early)| {
            let seen = (midnight + late).saturating_sub(early);
            let before = self.starts.iter().filter(|(at, _)| *at < seen);
            let before: u64 = before.map(|(_, units)| units).sum();
            let all: u64 = self.starts.iter().map(|(_, units)| units).sum();
            before.max(all - before)
        });
        days.max().unwrap_or(0)
    }

    pub(crate) fn verdict(&mut self, amount: u64, scope: Scope, end: Time) -> Verdict {
        let mut more_used = 0.0;
        let (most, used, room) = match scope {
            Scope::Window(window) => {
                let from = window.min(end / 2);
                let late = self.starts.iter().filter(|(at, _)| *at >= from);
                let used: u64 = late.map(|(_, units)| units).sum();
                let windows = (end - from) as f64 / window as f64;
                let more = self.more.iter().filter(|(at, _)| *at >= from);
                more_used = more.map(|(_, units)| units).sum::<u64>() as f64;
                (self.busiest(window), used as f64, windows)
            }
            Scope::Day(midnight) => {
                let used: u64 = self.starts.iter().map(|(_, units)| units).sum();
                (self.busiest_day(midnight), used as f64, 2.0)
            }
            Scope::Held => {
                let held = self.held.iter();
                let used = held.map(|(since, until, units)| (until - since) * units);
                (self.most_held(), used.sum::<u64>() as f64, end as f64)
            }
        };
        let large = self.starts.iter().filter(|(_, units)| units * 4 >= amount);
        let large = large.count();
        let worst = match scope {
            Scope::Window(window) if !self.amounts.is_empty() => self.fullest(window, amount),
            Scope::Window(_) if !self.spans.is_empty() => {
                self.busiest_then() as f64 / amount as f64
            }
            Scope::Window(_) | Scope::Day(_) | Scope::Held => most as f64 / amount as f64,
        };
        Verdict {
            large,
            worst,
            share: used / (room * amount as f64),
            offline: 0,
            early: 0,
            kept: 0,
            broken: 0,
            least_served: 0.0,
            with_overuse: (used + more_used) / (room * amount as f64),
        }
    }
}

impl Scope {
    pub(crate) fn of(span: Span, midnight: Time) -> Self {
        match span {
            Span::Rolling(window) => Self::Window(u64::try_from(window.as_nanos()).unwrap()),
            Span::Calendar(_) => Self::Day(midnight),
            Span::Held(_) => Self::Held,
        }
    }
}

impl Verdict {
    pub(crate) fn is_over(&self) -> bool {
        self.worst > 1.0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "worst window {:.4} of the limit, {:.1} % used",
            self.worst,
            self.share * 100.0
        )
    }
}

#[test]
fn the_oracle_counts_what_starts_within_less_than_a_window() {
    let mut oracle = Oracle::default();
    for (at, units) in [(0, 3), (9, 4), (10, 5), (19, 1), (30, 2)] {
        oracle.started(at, units);
    }
    assert_eq!(oracle.busiest(10), 9);
    assert_eq!(oracle.busiest(11), 12);
}

#[test]
fn the_oracle_counts_days_wherever_a_provider_sees_midnight() {
    let mut oracle = Oracle::default();
    for (second, units) in [(90, 4), (99, 2), (101, 3), (110, 1)] {
        oracle.started(second * SECOND, units);
    }
    assert_eq!(oracle.busiest_day(100 * SECOND), 9);
}
