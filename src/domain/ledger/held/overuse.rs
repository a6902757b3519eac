//! Units used beyond what was estimated, until the database has charged them.

use crate::domain::ledger::work::Charge;

/// Units used beyond what was estimated.
#[derive(Debug, Default)]
pub(super) struct Overuse {
    /// Not said yet.
    units: u64,
    /// Of these, those of leases that a shadow had not been asked about.
    unasked: u64,
    /// Said, and not answered: it may have been charged, so it is said again under the same number, which is charged once.
    unanswered: Vec<Charge>,
}

impl Overuse {
    pub(super) const fn add(&mut self, units: u64) {
        self.units = self.units.saturating_add(units);
    }

    /// The same, of a lease that a shadow had not been asked about.
    pub(super) const fn add_unasked(&mut self, units: u64) {
        self.add(units);
        self.unasked = self.unasked.saturating_add(units);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.units == 0 && self.unanswered.is_empty()
    }

    /// What to say next.
    pub(super) fn next(&mut self, number: impl FnOnce() -> u64) -> Option<Charge> {
        if let Some(charge) = self.unanswered.pop() {
            return Some(charge);
        }
        let units = std::mem::take(&mut self.units);
        let unasked = std::mem::take(&mut self.unasked);
        (units > 0).then(|| Charge {
            block: number(),
            units,
            unasked,
        })
    }

    pub(super) fn unanswered(&mut self, charge: Charge) {
        self.unanswered.push(charge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_charged_is_said_again_by_the_same_number() {
        let mut overuse = Overuse::default();
        overuse.add(5);
        let first = overuse.next(|| 1).unwrap();
        overuse.add(2);
        overuse.unanswered(first);
        assert!(!overuse.is_empty());
        assert_eq!(overuse.next(|| 2), Some(first));
        assert_eq!(
            overuse.next(|| 2),
            Some(Charge {
                block: 2,
                units: 2,
                unasked: 0
            })
        );
        assert_eq!(overuse.next(|| 3), None);
        assert!(overuse.is_empty());
    }
}
