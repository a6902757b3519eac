//! Uses that were counted together, by second, and what share of them is a word.

use super::WINDOW_SECONDS;
use crate::domain::time::Timestamp;

/// Failures of this share of its uses make a caller's word that the provider fails: while a fifth is served, leases go on. A provider
/// that fails three of ten passes by far.
const FAILING: (u32, u32) = (4, 5);
/// As much of the window counts as holds so many uses: of a busy provider the last second, so that an outage is seen within one.
const ENOUGH: u32 = 20;

/// Uses, and how many of them failed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    pub(super) failures: u32,
    pub(super) uses: u32,
}

/// The uses of the last seconds.
#[derive(Debug)]
pub(super) struct Window {
    /// By second, the newest first at `second % WINDOW_SECONDS`.
    slots: [Slot; WINDOW_SECONDS],
    second: i64,
}

impl Slot {
    pub(super) const fn is_failing(self) -> bool {
        self.failures * FAILING.1 >= self.uses * FAILING.0
    }
}

impl Default for Window {
    fn default() -> Self {
        Self {
            slots: [Slot::default(); WINDOW_SECONDS],
            second: 0,
        }
    }
}

impl Window {
    /// The slot of `now`, with those emptied that have come round. A clock that goes back counts where it had been.
    pub(super) fn slot(&mut self, now: Timestamp) -> &mut Slot {
        let second = second_of(now).max(self.second);
        let passed = (second - self.second).min(WINDOW_SECONDS as i64);
        for step in 0..passed {
            self.slots[place(second - step)] = Slot::default();
        }
        self.second = second;
        &mut self.slots[place(second)]
    }

    fn of(&self, second: i64) -> Slot {
        let is_kept = second <= self.second && second > self.second - WINDOW_SECONDS as i64;
        if is_kept {
            self.slots[place(second)]
        } else {
            Slot::default()
        }
    }
}

/// What was seen over the last seconds in all of these, as far back as holds enough.
pub(super) fn recent(windows: &[&Window], now: Timestamp) -> Slot {
    let newest = windows.iter().map(|window| window.second).max();
    let newest = second_of(now).max(newest.unwrap_or_default());
    let mut sum = Slot::default();
    for second in (newest - WINDOW_SECONDS as i64 + 1..=newest).rev() {
        for slot in windows.iter().map(|window| window.of(second)) {
            sum.failures += slot.failures;
            sum.uses += slot.uses;
        }
        if sum.uses >= ENOUGH {
            break;
        }
    }
    sum
}

pub(super) const fn is_share(part: usize, whole: usize) -> bool {
    part * FAILING.1 as usize >= whole * FAILING.0 as usize
}

const fn second_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

const fn place(second: i64) -> usize {
    second.rem_euclid(WINDOW_SECONDS as i64).unsigned_abs() as usize
}
