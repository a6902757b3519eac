//! An exact window in memory: never more than so many units in any stretch of its length.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::time::BootTime;

/// Entries kept at most: what is more is remembered in slices.
const ENTRIES_MAX: usize = 512;
/// Slices of a stretch: fewer than entries, so that merging makes room.
const SLICES: u32 = 256;

/// What was handed out lately, oldest first. It is kept as long as the process lives: another process has another slot.
#[derive(Debug, Default)]
pub struct LocalWindow {
    entries: VecDeque<(BootTime, u64)>,
    units: u64,
}

impl LocalWindow {
    /// Units handed out within `length` before `now`: what was handed out exactly `length` ago no longer counts.
    pub fn used(&mut self, length: Duration, now: BootTime) -> u64 {
        while let Some((at, units)) = self.entries.front().copied() {
            // Of a merged entry the latest moment counts, so that its end is rounded up.
            if now.since(at) < length {
                break;
            }
            self.units -= units;
            self.entries.pop_front();
        }
        self.units
    }

    /// Units are handed out.
    pub fn add(&mut self, units: u64, length: Duration, now: BootTime) {
        self.units += units;
        // The clocks of two calls may come in another order than the calls.
        let now = self.entries.back().map_or(now, |(at, _)| now.max(*at));
        self.entries.push_back((now, units));
        if self.entries.len() > ENTRIES_MAX {
            self.merge(length / SLICES);
        }
    }

    /// When so many units are free beside what is used, of `room`; `None` if they never are.
    #[must_use]
    pub fn free_at(&self, units: u64, room: u64, length: Duration) -> Option<BootTime> {
        if units > room {
            return None;
        }
        let mut lacking = self.units.saturating_add(units).saturating_sub(room);
        let mut at = BootTime::default();
        for (used_at, used) in &self.entries {
            if lacking == 0 {
                break;
            }
            lacking = lacking.saturating_sub(*used);
            at = used_at.after(length);
        }
        Some(at)
    }

    /// Merges what was handed out within one slice, into its latest moment.
    fn merge(&mut self, slice: Duration) {
        let slice = u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mut merged: VecDeque<(BootTime, u64)> = VecDeque::new();
        for (at, units) in self.entries.drain(..) {
            match merged.back_mut() {
                Some((last, sum)) if last.nanos() / slice == at.nanos() / slice => {
                    *last = at;
                    *sum += units;
                }
                _ => merged.push_back((at, units)),
            }
        }
        self.entries = merged;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: Duration = Duration::from_secs(10);

    fn at(millis: u64) -> BootTime {
        BootTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn units_come_back_when_a_whole_window_has_passed() {
        let mut window = LocalWindow::default();
        window.add(3, LENGTH, at(1_000));
        window.add(4, LENGTH, at(2_000));
        assert_eq!(window.used(LENGTH, at(10_999)), 7);
        assert_eq!(window.free_at(5, 10, LENGTH), Some(at(11_000)));
        assert_eq!(window.free_at(8, 10, LENGTH), Some(at(12_000)));
        assert_eq!(window.free_at(11, 10, LENGTH), None);
        assert_eq!(window.used(LENGTH, at(11_000)), 4);
        assert_eq!(window.used(LENGTH, at(12_000)), 0);
    }

    proptest! {
        #[test]
        fn units_are_free_when_it_is_said_and_not_before(gaps in prop::collection::vec(1..40_u64, 1..800), units in 1..50_u64) {
            let (mut window, mut now, room) = (LocalWindow::default(), 0, 100);
            for gap in gaps {
                now += gap;
                if window.used(LENGTH, at(now)) < room {
                    window.add(1, LENGTH, at(now));
                }
            }
            let free_at = window.free_at(units, room, LENGTH).unwrap();
            if free_at > at(now) {
                let early = BootTime::from_nanos(free_at.nanos() - 1);
                prop_assert!(room - window.used(LENGTH, early) < units);
            }
            prop_assert!(room - window.used(LENGTH, free_at.max(at(now))) >= units);
        }

        #[test]
        fn no_stretch_ever_holds_more_than_the_slot(gaps in prop::collection::vec(0..40_u64, 1..3_000), room in 1..900_u64) {
            let (mut window, mut now) = (LocalWindow::default(), 0);
            let mut handed_out: VecDeque<u64> = VecDeque::new();
            for gap in gaps {
                now += gap;
                if window.used(LENGTH, at(now)) < room {
                    window.add(1, LENGTH, at(now));
                    handed_out.push_back(now);
                }
                while handed_out.front().is_some_and(|first| first + 10_000 <= now) {
                    handed_out.pop_front();
                }
                prop_assert!(handed_out.len() as u64 <= room);
                prop_assert!(window.entries.len() <= ENTRIES_MAX + 1);
            }
        }
    }
}
