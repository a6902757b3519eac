//! What the database is told of blocks that were closed, and when: what nobody is short of may wait for company.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Block, Closed, Held};
use crate::domain::ledger::entry::long_period_units_max;
use crate::domain::ledger::loss::Most;
use crate::domain::ledger::work::{Charge, Return, Work};
use crate::domain::terms::Terms;
use crate::domain::time::BootTime;

/// A limit has plenty where what a replica is granted, one block after the other, comes to this share of it at most.
const AMPLE_SHARE: u64 = 4;
/// Demand that has just begun is taken for so many times as much, where there is plenty.
const GROWTH: u64 = 8;
/// What is asked beyond demand comes to this share of a limit at most, one block after the other: nobody is short of that for a moment.
const GROWTH_SHARE: u64 = 64;

impl Held {
    /// Whether something has to be said of closed blocks now, though nothing is asked for. Of a limit that has plenty nobody waits for
    /// what comes back, so that it can be said along with the next ask, and for D at most: with a thousand limits in use, half of all
    /// transactions would only say what became of the last block.
    pub fn must_return(&mut self, now: BootTime) -> bool {
        self.close_over(now);
        if self.unsaid.is_empty() {
            return false;
        }
        let since = *self.unsaid_since.get_or_insert(now);
        !self.is_ample || now.since(since) >= self.limit.terms().validity
    }

    /// What the database must be told of blocks that were closed or settled since.
    pub fn returns(&mut self, now: BootTime) -> Vec<Return> {
        self.close_over(now);
        let oldest = |closed: &BTreeMap<u64, Closed>| {
            let first = closed.first_key_value();
            first.is_some_and(|(_, closed)| now >= closed.charged_until)
        };
        while oldest(&self.closed) {
            self.closed.pop_first();
        }
        self.unsaid_since = None;
        let mut numbers = std::mem::take(&mut self.unsaid);
        numbers.sort_unstable();
        numbers.dedup();
        let known = |number: u64| Some(Return::of(number, self.closed.get(&number)?));
        numbers.into_iter().filter_map(known).collect()
    }

    /// What the database must be told: units used beyond what was estimated.
    pub fn charge(&mut self, number: impl FnOnce() -> u64) -> Option<Charge> {
        self.overuse.next(number)
    }

    /// What was granted, as the database may have to be told after a loss.
    #[must_use]
    pub fn most(&self, now: BootTime) -> Most {
        let (charge, until) = self.longest;
        Most {
            units: self.units_max,
            charge: if now < until { charge } else { Duration::ZERO },
        }
    }

    /// What only this replica knows of what was granted before a lossy incarnation, where it is more than all limits answer for: said
    /// once, and with every ask until it was.
    pub(in crate::domain::ledger) fn untold(
        &self,
        incarnation: i64,
        now: BootTime,
    ) -> Option<Work> {
        let (most, terms) = (self.most(now), self.limit.terms());
        let is_more = match terms.is_long() {
            true => most.units > long_period_units_max(self.limit.amount),
            false => most.charge > terms.charge_time(),
        };
        (is_more && self.seen.is_before(incarnation)).then(|| Work {
            seen: self.seen,
            most,
            ..Work::silent(self.limit.uid)
        })
    }

    /// It was said, and is committed.
    pub(in crate::domain::ledger) const fn told(&mut self, incarnation: i64) {
        if self.seen.incarnation < incarnation {
            self.seen.incarnation = incarnation;
        }
    }

    /// A block was granted.
    pub(super) fn keep_most(&mut self, block: &Block, now: BootTime) {
        self.units_max = self.units_max.max(block.units);
        let (charge, until) = self.longest;
        let anew = block.terms.charge_time();
        if charge <= anew || until <= now {
            self.longest = (anew, block.charged_until);
        }
    }

    /// The write did not happen, or nobody knows: say it again.
    pub fn say_again(&mut self, returns: &[Return], charge: Option<Charge>) {
        self.unsaid.extend(returns.iter().map(|r| r.block));
        charge
            .into_iter()
            .for_each(|charge| self.overuse.unanswered(charge));
    }

    /// What to ask for by a demand of so much per D. Demand that sets in is seen growing from one permit on, and a block for each doubling
    /// would be a transaction for each: where there is plenty, room for its growth is asked along.
    pub(super) fn with_growth(&self, per_validity: u64) -> u64 {
        if !self.is_ample {
            return per_validity;
        }
        let turns = turns(&self.limit.terms());
        let spare = self.limit.ledger_amount() / turns.saturating_mul(GROWTH_SHARE);
        let grown = per_validity.saturating_mul(GROWTH).min(spare);
        grown.max(per_validity)
    }

    /// So much was granted of what was asked for: shows whether the limit has plenty. What is held is soon wanted elsewhere.
    pub(super) fn weigh(&mut self, granted: u64, terms: &Terms) {
        let is_part = granted
            .saturating_mul(turns(terms))
            .saturating_mul(AMPLE_SHARE)
            <= self.limit.ledger_amount();
        self.is_ample = granted >= self.asked.want && is_part && !terms.span.is_held();
    }
}

/// How many blocks of one replica are charged at a time, where it asks for the next one when the last has ended.
fn turns(terms: &Terms) -> u64 {
    let validity = terms.validity.max(Duration::from_millis(1)).as_millis();
    u64::try_from(terms.charge_time().as_millis() / validity).map_or(u64::MAX, |turns| turns + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ledger::example::{granted, limit};
    use crate::domain::ledger::held::Waiter;
    use crate::domain::limit::Dimension;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(millis: u64) -> BootTime {
        BootTime::from_nanos(millis * 1_000_000)
    }

    /// One that a replica has asked ten permits of, was granted so many, and has used up.
    fn used_up(amount: u64, units: u64) -> Held {
        let limit = limit(1, Dimension::Requests, amount, MINUTE);
        let mut held = Held::new(Arc::new(limit.clone()));
        let waiter = Waiter {
            ticket: None,
            until: at(1_000),
            is_patient: false,
            yields: false,
        };
        held.miss(10, 1, waiter);
        assert_eq!(held.ask(false, at(1_000)).map(|ask| ask.want), Some(10));
        held.answered(&granted(&limit, 7, units, at(1_000)), at(1_000));
        held.take(units, 1, None, MINUTE, at(1_000)).unwrap();
        held
    }

    #[test]
    fn of_a_limit_that_has_plenty_it_waits_for_the_next_ask_or_for_d() {
        let mut held = used_up(100_000, 10);
        assert!(!held.must_return(at(1_001)));
        assert!(!held.must_return(at(2_000)));
        assert!(held.must_return(at(2_001)));
        assert_eq!(held.returns(at(2_001)).len(), 1);
        assert!(!held.must_return(at(9_000)), "all is said");
    }

    #[test]
    fn of_a_limit_that_others_may_be_short_of_it_is_said_at_once() {
        for (amount, units) in [(2_599, 10), (100_000, 9)] {
            let mut held = used_up(amount, units);
            assert!(held.must_return(at(1_001)), "{units} of {amount}");
        }
        assert!(!used_up(2_600, 10).must_return(at(1_001)));
    }

    #[test]
    fn at_the_end_of_a_replica_it_is_said_at_once() {
        let mut held = used_up(100_000, 10);
        held.close_all();
        assert!(held.must_return(at(1_001)));
    }
}
