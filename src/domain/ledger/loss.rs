//! What follows lost writes: a limit answers to them once, for all that may have been granted and forgotten.

use std::time::Duration;

use super::clock::Clocks;
use super::entry::{Entry, LONG_PERIOD, Seen, long_period_units_max};
use crate::domain::terms::Terms;
use crate::domain::time::Timestamp;

/// What a replica was granted of a limit, which the database may have forgotten together with what it noted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// The largest block.
    pub units: u64,
    /// The longest time that one of its blocks stays charged.
    pub charge: Duration,
}

impl Most {
    /// Nothing.
    pub const NONE: Self = Self {
        units: 0,
        charge: Duration::ZERO,
    };
}

/// The last time that acknowledged writes may have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// The number of the incarnation; 0 if there was none.
    pub incarnation: i64,
    /// How many replicas may have lost grants.
    pub replicas: u64,
    /// Over how many periods of [`LONG_PERIOD`] each of them may have.
    pub periods: u64,
}

impl Loss {
    /// In the incarnation of this number, by so many replicas, over so long.
    #[must_use]
    pub fn over(incarnation: i64, replicas: u64, lag: Duration) -> Self {
        let periods = lag.as_nanos().div_ceil(LONG_PERIOD.as_nanos());
        Self {
            incarnation,
            replicas,
            periods: u64::try_from(periods).unwrap_or(u64::MAX),
        }
    }
}

/// What lost writes mean for a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing is granted until every forgotten block would have ended.
    Frozen,
    /// A limit of a long window is charged for all that can have been forgotten, and grants nothing until all have told.
    Charged(u64),
}

/// How long a limit of a long window grants nothing after a loss, so that every replica which lives can tell what it was granted first.
const LISTEN: Duration = Duration::from_secs(5);

impl Entry {
    /// Looks for lost writes: the database has become another since, or has forgotten a grant that the asker has seen. Where the limit
    /// has answered to that without this asker, it answers for what only this one knows.
    pub fn notice(
        &mut self,
        loss: Loss,
        (seen, most): (Seen, Most),
        amount: u64,
        terms: &Terms,
    ) -> Option<Aftermath> {
        let forgot = self.last() < seen;
        let is_news = self.incarnation < loss.incarnation;
        let is_untold = seen.is_before(loss.incarnation);
        self.incarnation = self.incarnation.max(seen.incarnation).max(loss.incarnation);
        self.grant_number = self.grant_number.max(seen.grant_number);
        // Two grants fit into one period, at its ends.
        let periods = loss.periods.saturating_add(1);
        if forgot || is_news {
            self.block_units_max = self.block_units_max.max(most.units);
            return Some(self.answer(loss.replicas, periods, most, amount, terms));
        }
        if !is_untold {
            return None;
        }
        if terms.is_long() {
            let is_large = most.units > long_period_units_max(amount);
            let lost = most.units.saturating_mul(periods).min(amount);
            return is_large.then_some(Aftermath::Charged(lost));
        }
        (self.reach.charge < most.charge).then(|| self.freeze(most.charge, terms))
    }

    fn answer(
        &mut self,
        replicas: u64,
        periods: u64,
        most: Most,
        amount: u64,
        terms: &Terms,
    ) -> Aftermath {
        if !terms.is_long() {
            return self.freeze(most.charge, terms);
        }
        let until = self.clocks.high.after(LISTEN);
        self.frozen_until = self.frozen_until.max(Some(until));
        // A need that is larger than the share is let through.
        let each = self.largest_lost(amount).saturating_mul(periods);
        // Those that it had not heard of were one more together.
        let replicas = replicas.max(1).saturating_add(1);
        Aftermath::Charged(each.saturating_mul(replicas).min(amount))
    }

    /// For as long as anything can be charged that was lost, which may have been granted by other terms than those found here.
    fn freeze(&mut self, longest: Duration, terms: &Terms) -> Aftermath {
        let (high, longest) = (self.clocks.high, self.reach.charge.max(longest));
        let until = terms.charge_until(high).max(high.after(longest));
        self.reach = self.reach.at_least(longest, until);
        self.frozen_until = self.frozen_until.max(Some(until));
        self.offline.freeze(until);
        Aftermath::Frozen
    }

    /// Until when nothing may be granted.
    #[must_use]
    pub fn frozen(&self, terms: &Terms) -> Option<Timestamp> {
        let now = self.thawing(terms);
        self.frozen_until.filter(|until| now < *until)
    }

    /// The clock that a freeze ends by. A limit of a long window only listens for a moment, by the clock that replicas which were not there
    /// before do not hold back.
    pub(super) fn thawing(&self, terms: &Terms) -> Timestamp {
        let Clocks { high, low } = self.clocks;
        if terms.is_long() { high } else { low }
    }
}

#[cfg(test)]
#[path = "loss_tests.rs"]
mod tests;
