//! Leases of a version that are out: given by this replica, and neither reported to the end nor over.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::domain::time::{BootTime, Timestamp};

/// Microseconds of one place: leases that end within it are counted together.
const PLACE: i64 = 1_000_000;

/// Leases that are out, by the second in which they end.
#[derive(Debug, Default)]
pub(super) struct Outs(Mutex<BTreeMap<i64, Out>>);

#[derive(Debug, Default)]
struct Out {
    leases: u64,
    /// When the last of them ends by this replica's clock, which nobody sets.
    ends: BootTime,
}

impl Outs {
    /// A lease ends then. One that goes on beyond what was said before is out once more, and is over where it was when that passes.
    pub(super) fn note(&self, ends: Timestamp, boot: BootTime, now: BootTime) {
        let mut places = self.0.lock();
        while let Some(first) = places.first_entry()
            && (first.get().leases == 0 || first.get().ends < now)
        {
            first.remove();
        }
        let out = places.entry(ends.micros().div_euclid(PLACE)).or_default();
        out.leases += 1;
        out.ends = out.ends.max(boot);
    }

    /// A lease that was to end then was reported to its end.
    pub(super) fn end(&self, ends: Timestamp) {
        let mut places = self.0.lock();
        if let Some(out) = places.get_mut(&ends.micros().div_euclid(PLACE)) {
            out.leases = out.leases.saturating_sub(1);
        }
    }

    /// When the last one ends by this replica's clock; none where none is out.
    pub(super) fn last(&self, now: BootTime) -> Option<BootTime> {
        let places = self.0.lock();
        let out = places.values().filter(|out| out.leases > 0);
        out.map(|out| out.ends).filter(|ends| *ends >= now).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wall(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * PLACE)
    }

    const fn boot(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn the_last_lease_that_is_out_decides() {
        let outs = Outs::default();
        assert_eq!(outs.last(boot(0)), None);
        outs.note(wall(10), boot(10), boot(0));
        outs.note(wall(20), boot(20), boot(0));
        outs.note(wall(20), boot(20), boot(0));
        assert_eq!(outs.last(boot(1)), Some(boot(20)));
        outs.end(wall(20));
        assert_eq!(outs.last(boot(1)), Some(boot(20)));
        outs.end(wall(20));
        assert_eq!(outs.last(boot(1)), Some(boot(10)));
        // Nobody reports it: it is over when its time is.
        assert_eq!(outs.last(boot(11)), None);
    }

    #[test]
    fn a_lease_that_goes_on_is_out_until_its_new_end() {
        let outs = Outs::default();
        outs.note(wall(10), boot(10), boot(0));
        outs.note(wall(30), boot(30), boot(5));
        assert_eq!(outs.last(boot(12)), Some(boot(30)));
        outs.end(wall(30));
        assert_eq!(outs.last(boot(12)), None);
        // What is reported twice, or was never given, takes nothing from others.
        outs.note(wall(40), boot(40), boot(12));
        outs.end(wall(30));
        assert_eq!(outs.last(boot(13)), Some(boot(40)));
    }

    #[test]
    fn what_is_over_is_not_kept() {
        let outs = Outs::default();
        for second in 0..1_000 {
            outs.note(
                wall(second + 10),
                boot(second.unsigned_abs() + 10),
                boot(second.unsigned_abs()),
            );
        }
        assert!(outs.0.lock().len() <= 12);
    }
}
