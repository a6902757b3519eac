//! What is true: when uses started. It knows nothing of blocks, clocks or leases.

use std::fmt;

use crate::time::Time;

/// Starts of one limit: when, and of how many units.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    starts: Vec<(Time, u64)>,
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict {
    /// The busiest window, as a share of N.
    pub(crate) worst: f64,
    /// Use from the second window on, as a share of N.
    pub(crate) share: f64,
}

impl Oracle {
    pub(crate) fn started(&mut self, at: Time, units: u64) {
        self.starts.push((at, units));
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

    pub(crate) fn verdict(&mut self, amount: u64, window: Time, end: Time) -> Verdict {
        let worst = self.busiest(window) as f64 / amount as f64;
        let from = window.min(end / 2);
        let used: u64 = self
            .starts
            .iter()
            .filter(|(at, _)| *at >= from)
            .map(|(_, units)| units)
            .sum();
        let windows = (end - from) as f64 / window as f64;
        Verdict {
            worst,
            share: used as f64 / (windows * amount as f64),
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
