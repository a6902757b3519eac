//! A block as its replica holds it: first open, to hand out from, then closed, to be settled.

pub use super::draw::Draw;
use crate::domain::terms::Terms;
use crate::domain::time::BootTime;

/// Units of one limit that may be handed out until `valid_until`.
#[derive(Debug)]
pub struct Block {
    /// Made by the replica.
    pub number: u64,
    /// Units granted.
    pub units: u64,
    /// Of these, as many as the limit has room for: all of them, but of a shadow.
    pub within: u64,
    /// When it was asked for.
    pub sent: BootTime,
    /// When it is handed out from no more.
    pub valid_until: BootTime,
    /// What was granted with it; it obeys these whatever the limit says today.
    pub terms: Terms,
    /// When its charge has ended for sure, by this replica's clock.
    pub charged_until: BootTime,
    /// What was drawn from it.
    pub use_of: Use,
}

/// What was drawn from a block, and what is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// Units drawn and not given back.
    pub units: u64,
    /// Leases drawn.
    pub leases: u64,
    /// Leases of which everything is known.
    pub ended: u64,
    /// Of some lease it is not known whether and when its uses started.
    pub is_unsure: bool,
    /// No use of a lease that has ended started later.
    pub started_by: BootTime,
    /// One bit for each lease, by its ordinal, of which a report was taken.
    pub settled: Vec<u8>,
}

/// A block that is handed out from no more.
#[derive(Debug)]
pub struct Closed {
    /// What was drawn from it.
    pub use_of: Use,
    /// The terms it was granted with.
    pub terms: Terms,
    /// When its charge has ended for sure, by this replica's clock.
    pub charged_until: BootTime,
}

/// All that became of one lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Every use was reported, each as never started or as answered by the provider.
    pub is_sure: bool,
    /// No use started later.
    pub started_by: BootTime,
}

impl Ending {
    /// Together with what earlier parts said.
    #[must_use]
    pub fn and(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| Self {
            is_sure: self.is_sure && other.is_sure,
            started_by: self.started_by.max(other.started_by),
        })
    }
}

impl Block {
    /// How many uses of `units` each are left.
    #[must_use]
    pub const fn uses(&self, units: u64) -> u64 {
        match self.left().checked_div(units) {
            Some(uses) => uses,
            None => u64::MAX,
        }
    }

    /// Units left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.units.saturating_sub(self.use_of.units)
    }

    /// Units drawn beyond what the limit has room for.
    #[must_use]
    pub const fn over(&self) -> u64 {
        self.use_of.units.saturating_sub(self.within)
    }

    /// Draws for one lease: `uses` of `units` each.
    pub const fn draw(&mut self, units: u64, uses: u64) -> Draw {
        let ordinal = self.use_of.leases;
        self.use_of.leases += 1;
        self.use_of.units += units * uses;
        Draw {
            block: self.number,
            units,
            ordinal,
        }
    }

    /// Whether it is handed out from no more. What is held may come back, and is handed out again.
    #[must_use]
    pub fn is_over(&self, now: BootTime) -> bool {
        now >= self.valid_until || (self.left() == 0 && !self.terms.span.is_held())
    }

    /// Hands out from it no more.
    #[must_use]
    pub fn close(self) -> Closed {
        Closed {
            use_of: self.use_of,
            terms: self.terms,
            charged_until: self.charged_until,
        }
    }
}

impl Use {
    /// Units of a lease go back.
    pub const fn give_back(&mut self, units: u64) {
        self.units = self.units.saturating_sub(units);
    }

    /// A report of the lease `ordinal` was taken.
    pub fn settle(&mut self, ordinal: u64) {
        let byte = usize::try_from(ordinal / 8).unwrap_or(usize::MAX);
        if ordinal >= self.leases {
            return;
        }
        if self.settled.len() <= byte {
            self.settled.resize(byte + 1, 0);
        }
        self.settled[byte] |= 1 << (ordinal % 8);
    }

    /// A lease has ended: called once for each.
    pub fn end(&mut self, ending: Ending) {
        self.ended += 1;
        self.is_unsure |= !ending.is_sure;
        self.started_by = self.started_by.max(ending.started_by);
    }

    /// Whether everything is known of every lease. Of what is held this is never so: its permits come back one by one.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.ended == self.leases
    }

    /// Since when nothing of it can have started, if that is known of every lease.
    #[must_use]
    pub fn over_since(&self) -> Option<BootTime> {
        (!self.is_unsure && self.is_ended()).then_some(self.started_by)
    }
}

/// Whether a report of the lease `ordinal` was taken, as [`Use::settle`] noted it.
#[must_use]
pub fn is_settled(settled: &[u8], ordinal: u64) -> bool {
    let byte = usize::try_from(ordinal / 8).ok();
    let byte = byte.and_then(|byte| settled.get(byte));
    byte.is_some_and(|byte| byte >> (ordinal % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(leases: u64) -> Use {
        Use {
            units: leases,
            leases,
            ..Use::default()
        }
    }

    fn ending(is_sure: bool, nanos: u64) -> Ending {
        Ending {
            is_sure,
            started_by: BootTime::from_nanos(nanos),
        }
    }

    #[test]
    fn a_block_is_over_when_all_its_leases_have_ended_and_the_latest_start_counts() {
        let mut use_of = used(2);
        use_of.end(ending(true, 9));
        assert_eq!(use_of.over_since(), None);
        use_of.end(ending(true, 7));
        assert_eq!(use_of.over_since(), Some(BootTime::from_nanos(9)));
    }

    #[test]
    fn one_lease_of_which_nobody_knows_keeps_the_whole_charge() {
        let mut use_of = used(2);
        use_of.end(ending(false, 0));
        use_of.end(ending(true, 7));
        assert_eq!(use_of.over_since(), None);
    }

    #[test]
    fn settled_leases_are_known_one_by_one() {
        let mut use_of = used(20);
        for ordinal in [0, 9, 19, 20, u64::MAX] {
            use_of.settle(ordinal);
        }
        let known = (0..40).filter(|n| is_settled(&use_of.settled, *n));
        assert_eq!(known.collect::<Vec<_>>(), [0, 9, 19]);
    }
}
