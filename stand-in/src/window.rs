//! The measure: the most that ever arrived in any window, by two pointers over sorted arrivals.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Arrivals remembered inside one window. Beyond it the oldest are forgotten and the result is only a lower bound, which it says.
const ARRIVALS_MAX: usize = 1 << 20;

/// The busiest half-open window `(t - length, t]` so far. It knows nothing of any limit.
#[derive(Debug)]
pub struct BusiestWindow {
    length: Duration,
    recent: VecDeque<(Instant, u64)>,
    sum: u64,
    busiest: u64,
    exact: bool,
}

impl BusiestWindow {
    /// Measures windows of this length.
    pub fn new(length: Duration) -> Self {
        Self {
            length,
            recent: VecDeque::new(),
            sum: 0,
            busiest: 0,
            exact: true,
        }
    }

    /// Notes an arrival of so many units. Arrivals come in the order of time.
    pub fn note(&mut self, at: Instant, units: u64) {
        self.recent.push_back((at, units));
        self.sum += units;
        while let Some(&(oldest, gone)) = self.recent.front() {
            let outside = at.duration_since(oldest) >= self.length;
            let crowded = self.recent.len() > ARRIVALS_MAX;
            if !outside && !crowded {
                break;
            }
            self.exact &= outside;
            self.sum -= gone;
            self.recent.pop_front();
        }
        self.busiest = self.busiest.max(self.sum);
    }

    /// The most units in any window so far.
    pub fn busiest(&self) -> u64 {
        self.busiest
    }

    /// Whether no arrival had to be forgotten too soon.
    pub fn is_exact(&self) -> bool {
        self.exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every window of interest ends at an arrival: try them all.
    fn brute_force(arrivals: &[(u64, u64)], length: u64) -> u64 {
        arrivals
            .iter()
            .enumerate()
            .map(|(last, &(end, _))| {
                arrivals[..=last]
                    .iter()
                    .filter(|&&(at, _)| end - at < length)
                    .map(|&(_, units)| units)
                    .sum()
            })
            .max()
            .unwrap_or(0)
    }

    fn measured(arrivals: &[(u64, u64)], length: u64) -> u64 {
        let start = Instant::now();
        let mut window = BusiestWindow::new(Duration::from_millis(length));
        for &(at, units) in arrivals {
            window.note(start + Duration::from_millis(at), units);
        }
        window.busiest()
    }

    #[test]
    fn it_agrees_with_trying_every_window() {
        // A small linear congruential generator keeps the test free of dependencies and repeatable.
        let mut state = 7_u64;
        let mut next = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound
        };
        for _ in 0..200 {
            let mut at = 0;
            let arrivals: Vec<(u64, u64)> = (0..60)
                .map(|_| {
                    at += next(40);
                    (at, next(5))
                })
                .collect();
            let length = 1 + next(300);
            assert_eq!(measured(&arrivals, length), brute_force(&arrivals, length));
        }
    }

    #[test]
    fn two_arrivals_exactly_one_window_apart_are_in_no_common_window() {
        assert_eq!(measured(&[(0, 1), (100, 1)], 100), 1);
        assert_eq!(measured(&[(0, 1), (99, 1)], 100), 2);
    }

    #[test]
    fn a_burst_over_the_border_of_two_fixed_windows_is_seen_whole() {
        let arrivals: Vec<(u64, u64)> = (90..110).map(|at| (at, 1)).collect();
        assert_eq!(measured(&arrivals, 100), 20);
    }

    #[test]
    fn forgetting_too_soon_is_admitted() {
        let start = Instant::now();
        let mut window = BusiestWindow::new(Duration::from_secs(1));
        for _ in 0..=ARRIVALS_MAX {
            window.note(start, 1);
        }
        assert!(!window.is_exact());
        assert_eq!(window.busiest(), ARRIVALS_MAX as u64);
    }
}
