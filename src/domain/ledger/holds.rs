//! Permits that are held: each comes back once, when its use is reported or when its caller has to be done, whichever is first.

use std::collections::{BTreeSet, HashMap};

use super::block::Draw;
use crate::domain::time::BootTime;

/// Marks the number of a charge that a renewed lease has of its own. Blocks are numbered from 0, and never get there.
const RENEWED: u64 = 1 << 63;
/// Draws of one lease: as many as an account has limits.
const DRAWS_BITS: u32 = 6;

/// The number of the charge that a renewed lease has of its own in the limit of its draw `index`: any replica can tell it.
#[must_use]
pub const fn renewed_number(serial: u64, index: usize) -> u64 {
    RENEWED | (serial << DRAWS_BITS) | (index as u64 & ((1 << DRAWS_BITS) - 1))
}

/// Whether a charge is one that a renewed lease has of its own.
#[must_use]
pub const fn is_renewed(number: u64) -> bool {
    number & RENEWED != 0
}

/// Permits of one limit that are held, by lease.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// By the block they were drawn from, and the lease's ordinal there.
    out: HashMap<(u64, u64), Hold>,
    /// By when they come back by themselves.
    ends: BTreeSet<(BootTime, (u64, u64))>,
}

/// What one lease holds.
#[derive(Debug, Clone, Copy)]
struct Hold {
    units: u64,
    until: BootTime,
    /// The block that is charged for it.
    carrier: u64,
}

/// Units that come back, and the block that was charged for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Back {
    pub(super) carrier: u64,
    pub(super) units: u64,
}

impl Holds {
    /// A lease holds so many units until then at the latest.
    pub(super) fn begin(&mut self, draw: Draw, uses: u64, until: BootTime) {
        let lease = (draw.block, draw.ordinal);
        let hold = Hold {
            units: draw.units.saturating_mul(uses),
            until,
            carrier: draw.block,
        };
        self.out.insert(lease, hold);
        self.ends.insert((until, lease));
    }

    /// So many uses of a lease are over. `None` if it holds nothing any more: what came back once does not come back again.
    pub(super) fn report(&mut self, draw: Draw, uses: u64) -> Option<Back> {
        let lease = (draw.block, draw.ordinal);
        let hold = self.out.get_mut(&lease)?;
        let units = draw.units.saturating_mul(uses).min(hold.units);
        hold.units -= units;
        let (carrier, until) = (hold.carrier, hold.until);
        if hold.units == 0 {
            self.out.remove(&lease);
            self.ends.remove(&(until, lease));
        }
        Some(Back { carrier, units })
    }

    /// What has come back by itself, and of which lease of which block.
    pub(super) fn over(&mut self, now: BootTime) -> Option<((u64, u64), Back)> {
        let (_, lease) = *self.ends.first().filter(|(until, _)| *until <= now)?;
        self.ends.pop_first();
        let hold = self.out.remove(&lease)?;
        let back = Back {
            carrier: hold.carrier,
            units: hold.units,
        };
        Some((lease, back))
    }

    /// A lease is held longer, and charged for by a block of its own. Answers its units, and the block that was charged for them so
    /// far; `None` if it holds nothing any more. Of its units, `left` have not been reported: where they came back by themselves before
    /// this was known here, the caller holds them all the same.
    pub(super) fn renew(
        &mut self,
        draw: Draw,
        number: u64,
        left: u64,
        until: BootTime,
    ) -> Option<Back> {
        if left == 0 {
            return None;
        }
        let lease = (draw.block, draw.ordinal);
        let hold = self.out.entry(lease).or_insert(Hold {
            units: left,
            until,
            carrier: number,
        });
        let before = Back {
            carrier: hold.carrier,
            units: hold.units,
        };
        self.ends.remove(&(hold.until, lease));
        // News of an earlier renewal may come after that of a later one.
        hold.until = hold.until.max(until);
        hold.carrier = number;
        self.ends.insert((hold.until, lease));
        Some(before)
    }

    pub(super) fn has(&self, draw: Draw) -> bool {
        self.out.contains_key(&(draw.block, draw.ordinal))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }
}

#[cfg(test)]
mod laws;

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: Draw = Draw {
        block: 3,
        units: 2,
        ordinal: 1,
    };

    fn at(nanos: u64) -> BootTime {
        BootTime::from_nanos(nanos)
    }

    #[test]
    fn a_permit_comes_back_once_however_often_it_is_reported() {
        let mut holds = Holds::default();
        holds.begin(DRAW, 3, at(100));
        let back = |units| Some(Back { carrier: 3, units });
        assert_eq!(holds.report(DRAW, 2), back(4));
        assert_eq!(holds.report(DRAW, 2), back(2));
        assert_eq!(holds.report(DRAW, 1), None);
        assert_eq!(holds.over(at(1_000)), None);
        assert!(holds.is_empty());
    }

    #[test]
    fn what_nobody_reports_comes_back_by_itself_and_then_reports_change_nothing() {
        let mut holds = Holds::default();
        holds.begin(DRAW, 3, at(100));
        assert_eq!(holds.report(DRAW, 1).map(|back| back.units), Some(2));
        assert_eq!(holds.over(at(99)), None);
        assert_eq!(holds.over(at(100)).map(|(_, back)| back.units), Some(4));
        assert_eq!(holds.report(DRAW, 1), None);
    }

    #[test]
    fn a_renewed_lease_is_charged_for_by_a_block_of_its_own() {
        let mut holds = Holds::default();
        holds.begin(DRAW, 1, at(100));
        let number = renewed_number(5, 0);
        assert_eq!(
            holds.renew(DRAW, number, 2, at(200)).map(|b| b.carrier),
            Some(3)
        );
        assert_eq!(holds.over(at(150)), None);
        // Late news of an earlier renewal shortens nothing.
        assert_eq!(
            holds.renew(DRAW, number, 2, at(120)).map(|b| b.carrier),
            Some(number)
        );
        assert_eq!(holds.over(at(199)), None);
        let back = holds.report(DRAW, 1);
        assert_eq!(
            back,
            Some(Back {
                carrier: number,
                units: 2
            })
        );
        assert_eq!(holds.renew(DRAW, number, 0, at(300)), None);
        assert!(holds.is_empty());
    }

    #[test]
    fn news_of_a_renewal_that_come_after_its_lease_would_have_ended_count() {
        let mut holds = Holds::default();
        holds.begin(DRAW, 2, at(100));
        assert!(holds.over(at(100)).is_some());
        let number = renewed_number(5, 0);
        let held = Some(Back {
            carrier: number,
            units: 4,
        });
        assert_eq!(holds.renew(DRAW, number, 4, at(200)), held);
        assert_eq!(holds.report(DRAW, 2), held);
    }

    #[test]
    fn renewed_leases_have_numbers_that_no_block_has() {
        let numbers = [
            renewed_number(0, 0),
            renewed_number(0, 63),
            renewed_number(1, 0),
        ];
        assert_eq!(numbers, [1 << 63, (1 << 63) + 63, (1 << 63) + 64]);
        assert_ne!(renewed_number((1 << 44) - 1, 63), renewed_number(0, 63));
    }
}
