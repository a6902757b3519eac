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

/// What a report gives back, from each limit that it drew from and whose dimension is known. `None` if it settles nothing, so that its
/// lease keeps the full charge: it is one of several, and nobody knows what the others said.
#[must_use]
pub fn inherited(
    report: &Forwarded,
    dimension: impl Fn(Uuid) -> Option<Dimension>,
) -> Option<Vec<(Uuid, Draw, u64)>> {
    let uses = report.outcomes.iter().map(|outcome| outcome.count);
    let uses = uses.fold(0_u32, u32::saturating_add);
    if uses != report.claims.granted && !report.is_final {
        return None;
    }
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
    Some(returns.collect())
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
    fn no_more_is_given_back_than_is_charged() {
        let mut estate = Estate {
            units: 5,
            settled: Vec::new(),
        };
        assert!(estate.settle(draw(3), 10));
        assert_eq!(estate.units, 0);
    }
}
