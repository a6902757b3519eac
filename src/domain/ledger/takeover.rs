//! Settling leases for a replica that is gone.
//!
//! Only from a block that this replica has closed in the database: of one that it still handed out from, nobody knows what was given
//! back and handed out again. And only what it had not counted itself: it says so, lease by lease, whenever it states a block's use.
//! After that the block listens to it no more, should it only have been stopped.

use std::collections::HashMap;

use uuid::Uuid;

use super::block::{Draw, is_settled};
use super::settle::Part;
use crate::domain::forwarded::Forwarded;
use crate::domain::judged::Judged;
use crate::domain::limit::Dimension;

/// A block of a replica that is gone, as that one stated it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estate {
    /// Units charged.
    pub units: u64,
    /// Which of its leases the replica had counted.
    pub settled: Vec<u8>,
}

/// What was settled of a lease in the place of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its uses that were reported; `None` for all of them.
    pub uses: Option<u64>,
    /// The numbers of the reports.
    pub sequences: Vec<u32>,
}

/// What a report gives back, from each limit that it drew from and whose dimension is known.
#[must_use]
pub fn inherited(
    report: &Forwarded,
    dimension: impl Fn(Uuid) -> Option<Dimension>,
) -> Vec<(Uuid, Draw, u64)> {
    // One that may be given again by its issuer, should that only have been stopped, gives nothing back.
    let parts: Vec<_> = match report.claims.received {
        Some(_) => report.outcomes.iter().map(Judged::part).collect(),
        None => Vec::new(),
    };
    let draws = report.claims.draws.iter();
    let returns = draws.filter_map(|(limit, draw)| {
        let back = unused(&parts, dimension(*limit)?, draw.units);
        Some((*limit, *draw, back))
    });
    returns.collect()
}

/// Settles leases in what a replica left, by block: each with what it gives back. Answers the units of the blocks that changed.
#[must_use]
pub fn settle(
    estates: &mut HashMap<Uuid, Estate>,
    returns: impl Iterator<Item = (Uuid, Draw, u64)>,
) -> HashMap<Uuid, u64> {
    let mut taken = HashMap::new();
    for (block, draw, back) in returns {
        if let Some(estate) = estates.get_mut(&block)
            && estate.settle(draw, back)
        {
            taken.insert(block, estate.units);
        }
    }
    taken
}

/// Units of a lease that were not used, of `drawn` for each use.
fn unused(parts: &[Part], dimension: Dimension, drawn: u64) -> u64 {
    let less = parts.iter().map(|part| part.difference(dimension, drawn).0);
    less.fold(0, u64::saturating_add)
}

impl Settled {
    /// Of a lease of which nothing was settled.
    pub const NOTHING: Self = Self {
        uses: Some(0),
        sequences: Vec::new(),
    };

    /// Takes a report, each once.
    pub fn take_report(&mut self, report: &Forwarded) -> bool {
        let uses = report.outcomes.iter().map(|o| u64::from(o.count));
        let uses = uses.fold(0, u64::saturating_add);
        let granted = u64::from(report.claims.granted);
        self.take(report.sequence, uses, granted, report.is_final)
    }

    /// Takes a report on so many uses of a lease of `granted`. False if it was taken before, or counts uses that are not there: then it
    /// changes nothing, and they keep their full charge.
    fn take(&mut self, sequence: u32, uses: u64, granted: u64, is_final: bool) -> bool {
        let Some(before) = self.uses else {
            return false;
        };
        let all = before.saturating_add(uses);
        if self.sequences.contains(&sequence) || all > granted {
            return false;
        }
        self.sequences.push(sequence);
        self.uses = (all < granted && !is_final).then_some(all);
        true
    }
}

impl Estate {
    /// Gives back what a lease did not use. False if its replica had counted it: nothing is changed then.
    pub fn settle(&mut self, draw: Draw, back: u64) -> bool {
        let is_new = !is_settled(&self.settled, draw.ordinal);
        if is_new {
            self.units = self.units.saturating_sub(back);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const fn draw(ordinal: u64) -> Draw {
        Draw {
            block: 1,
            units: 10,
            ordinal,
        }
    }

    #[test]
    fn what_the_replica_had_counted_is_not_given_back_twice() {
        let mut estate = Estate {
            units: 100,
            settled: vec![0b10],
        };
        assert!(estate.settle(draw(0), 10));
        assert!(!estate.settle(draw(1), 10));
        assert_eq!(estate.units, 90);
    }

    #[test]
    fn parts_count_once_each_and_together_no_more_than_was_granted() {
        let mut settled = Settled {
            uses: Some(0),
            sequences: Vec::new(),
        };
        assert!(settled.take(1, 2, 5, false));
        assert!(!settled.take(1, 1, 5, false));
        assert!(!settled.take(2, 4, 5, false));
        assert!(settled.take(3, 1, 5, false));
        assert_eq!(settled.uses, Some(3));
        assert!(settled.take(4, 1, 5, true));
        assert!(!settled.take(5, 1, 5, false));
    }

    proptest! {
        #[test]
        fn reports_in_any_order_and_number_settle_each_use_once(
            granted in 1..30_u64,
            reports in prop::collection::vec((0..8_u32, 1..10_u64, prop::bool::weighted(0.1)), 0..40),
        ) {
            let mut settled = Settled {
                uses: Some(0),
                sequences: Vec::new(),
            };
            let (mut uses_taken, mut taken, mut is_over) = (0, HashSet::new(), false);
            for (sequence, uses, is_final) in reports {
                let before = settled.clone();
                if settled.take(sequence, uses, granted, is_final) {
                    prop_assert!(!is_over && taken.insert(sequence));
                    uses_taken += uses;
                    is_over = is_final || uses_taken == granted;
                } else {
                    prop_assert_eq!(&settled, &before);
                }
                prop_assert!(uses_taken <= granted);
                prop_assert_eq!(settled.uses, (!is_over).then_some(uses_taken));
            }
        }
    }

    #[test]
    fn no_more_is_given_back_than_is_charged() {
        let mut estate = Estate {
            units: 5,
            settled: Vec::new(),
        };
        assert!(estate.settle(draw(3), 10));
        assert_eq!(estate.units, 0);
    }
}
