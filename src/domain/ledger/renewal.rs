//! A lease that goes on: it gets a charge of its own, which any replica can write, since any of them can tell its id.
//!
//! The charge is committed before the lease is known to go on, and only while something of the lease is charged still. A caller
//! takes an answer only before its lease has ended; so whenever one counts, the charge of the lease had not been given back, and the new
//! one takes over from it without a gap. That the lease is charged for twice for a moment costs room, and never lets more through.

use std::time::Duration;

use uuid::Uuid;

use super::block::Draw;
use super::page::{NewBlock, Page};
use super::work::block_id;

/// What a lease that goes on holds of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// The limit.
    pub limit: Uuid,
    /// What the lease drew.
    pub draw: Draw,
    /// See [`renewed_number`](super::holds::renewed_number).
    pub number: u64,
    /// Units that it holds, or held before some of its uses were reported.
    pub units: u64,
    /// How many uses it was granted.
    pub granted: u64,
}

/// How long from now on a lease goes on: as long as its caller wants, but no longer than all these bounds let it; and never for less than
/// what is left of it, which its caller may count on still. `None` where it may go on no longer.
#[must_use]
pub fn goes_on_for(
    wanted: Duration,
    bounds: impl IntoIterator<Item = Duration>,
    left: Duration,
) -> Option<Duration> {
    let bounded = bounds.into_iter().fold(wanted, Duration::min);
    (!bounded.is_zero()).then(|| bounded.max(left))
}

impl Renewal {
    /// The ids of the charges that the lease may have, at the replica that gave it: that of its draw, and its own.
    #[must_use]
    pub fn charges(&self, issuer: Uuid) -> (Uuid, Uuid) {
        let id = |number| block_id(issuer, number);
        (id(self.draw.block), id(self.number))
    }
}

impl Page<'_> {
    /// In the place of a grant: the charge of a lease that is reported within so long of now. If it has one already, that goes on.
    pub fn renew(
        &mut self,
        renewal: &Renewal,
        issuer: Uuid,
        report_within: Duration,
    ) -> Option<NewBlock> {
        let terms = self.terming()?.terms;
        self.entry.grant_number += 1;
        Some(NewBlock {
            block_id: renewal.charges(issuer).1,
            limit_uid: renewal.limit,
            units: renewal.units,
            open_until: None,
            charge_until: terms.charge_until_held(self.entry.clocks.high, report_within),
            grant_number: self.entry.grant_number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_goes_on_within_all_bounds_and_never_for_less_than_is_left() {
        let seconds = Duration::from_secs;
        let lasts =
            |wanted, bound, left| goes_on_for(seconds(wanted), [seconds(bound)], seconds(left));
        assert_eq!(lasts(8, 60, 3), Some(seconds(8)));
        assert_eq!(lasts(8, 5, 3), Some(seconds(5)));
        assert_eq!(lasts(1, 60, 3), Some(seconds(3)));
        // A bound that was lowered meanwhile takes nothing back.
        assert_eq!(lasts(8, 1, 3), Some(seconds(3)));
        assert_eq!(lasts(8, 0, 3), None);
        assert_eq!(goes_on_for(seconds(8), [], seconds(0)), Some(seconds(8)));
    }
}
