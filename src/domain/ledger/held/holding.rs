//! Permits that are held until they are reported.

use std::time::Duration;

use super::{Closed, Draw, Held, Use};
use crate::domain::ledger::block::is_settled;
use crate::domain::ledger::holds::{Back, is_renewed};
use crate::domain::time::BootTime;

/// What was committed for a lease that goes on.
#[derive(Debug, Clone, Copy)]
pub struct Renewed {
    /// What it drew.
    pub draw: Draw,
    /// The number of the charge that it has of its own.
    pub number: u64,
    /// Units charged there.
    pub units: u64,
    /// Units of uses that have not been reported.
    pub left: u64,
    /// How long it may hold them from `now`, which is after the commit.
    pub report_within: Duration,
    /// This replica's clock.
    pub now: BootTime,
}

impl Held {
    /// So many uses of a lease are over: their permits come back, to be handed out again where the block is still open.
    pub fn report(&mut self, draw: Draw, uses: u64) {
        let back = self.holds.report(draw, uses);
        self.settle(draw.block, |use_of| use_of.settle(draw.ordinal));
        if let Some(back) = back {
            self.settle(back.carrier, |use_of| use_of.give_back(back.units));
        }
    }

    /// A lease goes on, and has a charge of its own in the database. False if all of it has been reported: that charge then goes back.
    pub fn renewed(&mut self, renewed: Renewed) -> bool {
        let (number, terms) = (renewed.number, self.limit.terms());
        let until = renewed.now.after(terms.hold(renewed.report_within));
        let before = self.holds.renew(renewed.draw, number, renewed.left, until);
        let held = before.map_or(0, |back| back.units);
        if let Some(before) = before.filter(|before| before.carrier != number) {
            let ordinal = renewed.draw.ordinal;
            self.settle(renewed.draw.block, |use_of| use_of.settle(ordinal));
            self.retire(before);
        }
        let charge = self.closed.entry(number).or_insert_with(|| Closed {
            use_of: Use::default(),
            terms,
            charged_until: until,
        });
        charge.use_of.units = held;
        charge.charged_until = charge.charged_until.max(until);
        // Of a lease that was reported in part, fewer units are held than whoever wrote the charge may have known.
        if held < renewed.units {
            self.unsaid.push(number);
        }
        before.is_some()
    }

    /// Units that are charged elsewhere, or may be. What comes back to an open block would be handed out again, beside the lease that goes
    /// on with them; so they go back to the database alone.
    fn retire(&mut self, back: Back) {
        let open = self
            .open
            .iter_mut()
            .find(|block| block.number == back.carrier);
        if let Some(block) = open {
            block.units = block.units.saturating_sub(back.units);
        }
        self.settle(back.carrier, |use_of| use_of.give_back(back.units));
    }

    /// Whether a report of a lease was taken, as far as its block is still known.
    #[must_use]
    pub fn is_settled(&self, draw: Draw) -> bool {
        let open = self.open.iter().find(|block| block.number == draw.block);
        let closed = || self.closed.get(&draw.block).map(|closed| &closed.use_of);
        let use_of = open.map(|block| &block.use_of).or_else(closed);
        use_of.is_some_and(|use_of| is_settled(&use_of.settled, draw.ordinal))
    }

    /// Whether anything of a lease is held.
    #[must_use]
    pub fn holds(&self, draw: Draw) -> bool {
        self.holds.has(draw)
    }

    /// Takes back what callers had to be done with by now, for the database alone: news that a lease goes on, which another replica has
    /// charged anew, may still be on their way, and then both would hold what an open block handed out again.
    pub(super) fn take_back(&mut self, now: BootTime) {
        while let Some(((block, ordinal), back)) = self.holds.over(now) {
            // Whoever settles for this replica, should it be gone, must not give it back once more.
            self.settle(block, |use_of| use_of.settle(ordinal));
            // A charge of the lease's own ends by itself. A replica that renewed it once more may have put that off: its news bring it back.
            match is_renewed(back.carrier) {
                true => drop(self.closed.remove(&back.carrier)),
                false => self.retire(back),
            }
        }
    }

    /// The database knows that nothing of these blocks is held: nothing more can be said of them, so they need not be remembered.
    pub fn forget(&mut self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            let spent = |closed: &Closed| closed.terms.span.is_held() && closed.use_of.units == 0;
            if self.closed.get(&number).is_some_and(spent) {
                self.closed.remove(&number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ledger::example::{granted, limit};
    use crate::domain::ledger::holds::renewed_number;
    use crate::domain::limit::Dimension;
    use crate::domain::terms::Span;

    fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    /// One permit at a time, of a block that stays open for longer than a lease of it lasts.
    fn open_for_long() -> Held {
        let mut limit = limit(1, Dimension::Concurrency, 1, Duration::ZERO);
        limit.span = Span::Held(Duration::from_mins(10));
        limit.validity = Some(Duration::from_secs(150));
        let mut held = Held::new(Arc::new(limit.clone()));
        held.answered(&granted(&limit, 3, 1, at(1)), at(1));
        held
    }

    #[test]
    fn what_nobody_reports_is_not_handed_out_of_the_same_block() {
        let mut held = open_for_long();
        let lease = held
            .take(1, 1, None, Duration::from_mins(1), at(1))
            .unwrap();
        // It goes on: another replica has charged it anew before it would have ended, and the news have not come yet.
        held.take_back(at(62));
        assert_eq!(held.take(1, 1, None, Duration::from_mins(1), at(62)), None);
        let renewed = Renewed {
            draw: lease,
            number: renewed_number(5, 0),
            units: 1,
            left: 1,
            report_within: Duration::from_mins(1),
            now: at(63),
        };
        assert!(held.renewed(renewed));
        assert_eq!(held.take(1, 1, None, Duration::from_mins(1), at(64)), None);
    }

    /// So many blocks of one permit each, all drawn and closed, with the lease of each.
    fn drawn(count: u64) -> (Held, Vec<Draw>) {
        let mut limit = limit(1, Dimension::Concurrency, 2 * count, Duration::ZERO);
        limit.span = Span::Held(Duration::from_mins(10));
        let mut held = Held::new(Arc::new(limit.clone()));
        let draws = (0..count).map(|number| {
            held.answered(&granted(&limit, number, 1, at(1)), at(1));
            let draw = held.take(1, 1, None, Duration::from_mins(5), at(1));
            held.close_all();
            draw.unwrap()
        });
        let draws = draws.collect();
        held.returns(at(2));
        (held, draws)
    }

    #[test]
    fn permits_come_back_however_many_blocks_leases_are_out_of() {
        let (mut held, draws) = drawn(5_000);
        for draw in &draws {
            held.report(*draw, 1);
        }
        let back = held.returns(at(3));
        assert_eq!(back.len(), draws.len());
        held.forget(back.iter().map(|back| back.block));
        assert!(held.closed.is_empty());
    }

    #[test]
    fn permits_come_back_however_many_leases_have_been_renewed() {
        let (mut held, draws) = drawn(5_000);
        for (serial, draw) in (0..).zip(&draws[1..]) {
            let renewed = Renewed {
                draw: *draw,
                number: renewed_number(serial, 0),
                units: 1,
                left: 1,
                report_within: Duration::from_mins(1),
                now: at(3),
            };
            assert!(held.renewed(renewed));
        }
        held.report(draws[0], 1);
        let back = held.returns(at(4));
        assert!(back.iter().any(|back| back.block == draws[0].block));
        held.forget(back.iter().map(|back| back.block));
        // They end in silence, and leave nothing behind.
        held.take_back(at(400));
        assert!(held.closed.is_empty());
    }

    #[test]
    fn what_is_reported_is_handed_out_again_while_its_block_is_open() {
        let mut held = open_for_long();
        let lease = held
            .take(1, 1, None, Duration::from_mins(1), at(1))
            .unwrap();
        held.report(lease, 1);
        assert!(
            held.take(1, 1, None, Duration::from_mins(1), at(2))
                .is_some()
        );
    }
}
