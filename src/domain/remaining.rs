//! What providers say is left of an account's budgets, and what this replica has leased of them since. It only ever refuses: once too
//! little is left for the next lease, that is as if nothing had been said to be left, by whoever said so.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::classify::Statement;
use super::ledger::settle::{Part, units_of};
use super::limit::Dimension;
use super::pool::Estimate;
use super::time::Timestamp;

mod lines;
mod open;
mod remainder;
mod room;
mod short;

pub use lines::{Lacking, Lines};
pub use open::Lent;
use remainder::Remainder;
pub use short::{Short, Word};

/// Some uses that are leased.
#[derive(Debug, Clone, Copy)]
pub struct Leasing {
    /// Who leases.
    pub caller: Uuid,
    /// What one use is expected to consume.
    pub estimate: Estimate,
    /// How many.
    pub uses: u64,
}

/// What is left of the budgets of one account: by model, the empty one being the whole.
#[derive(Debug, Default)]
pub struct Remainders {
    places: HashMap<String, Vec<Remainder>>,
}

impl Remainders {
    /// Nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// An answer to a use of a lease that was given then says what is left of a budget. True where that is more than was thought.
    pub fn hear(
        &mut self,
        place: &str,
        (word, given): (Word, Timestamp),
        said: Statement,
        now: Timestamp,
    ) -> bool {
        if !is_leased(said.dimension) || said.remaining.is_none() {
            return false;
        }
        let held = self.places.get_mut(place);
        let is_held = |r: &&mut Remainder| r.is_of(said.budget, word.bound()) && r.is_in_force(now);
        if let Some(held) = held.and_then(|all| all.iter_mut().find(is_held)) {
            return held.hear((word, given), said, now);
        }
        if let Some(new) = Remainder::new(word, said, now) {
            self.keep(place, new, now);
        }
        false
    }

    /// How many uses there is enough left for: at most as many as are asked for, and at least one.
    ///
    /// # Errors
    /// The budget that lacks most where there is not enough for one.
    pub fn offer(
        &self,
        places: [&str; 2],
        asked: Leasing,
        now: Timestamp,
    ) -> Result<u64, Box<Short>> {
        let mut uses = asked.uses;
        let mut short: Option<Box<Short>> = None;
        for (place, remainder) in self.at(places, now) {
            if !remainder.binds(asked.caller) {
                continue;
            }
            let units = units(remainder.dimension(), asked.estimate);
            match remainder.short_of(place, units, now) {
                None => uses = uses.min(remainder.fits(units, now)),
                Some(other) => {
                    let is_longer = |s: &Short| s.spent.wait < other.spent.wait;
                    if short.as_deref().is_none_or(is_longer) {
                        short = Some(Box::new(other));
                    }
                }
            }
        }
        short.map_or(Ok(uses), Err)
    }

    /// So many uses are leased, for so long. Answers what is spent by that.
    pub fn lease(
        &mut self,
        places: [&str; 2],
        leased: Leasing,
        within: Duration,
        now: Timestamp,
    ) -> Vec<Short> {
        let lent = Lent { given: now, within };
        self.each(places, now, |remainder| {
            let units = units(remainder.dimension(), leased.estimate);
            remainder.lease(units, leased.uses, lent);
        });
        self.spent(places, now)
    }

    /// What is spent of these.
    #[must_use]
    pub fn spent(&self, places: [&str; 2], now: Timestamp) -> Vec<Short> {
        let all = self.at(places, now);
        let short = all.filter_map(|(place, remainder)| remainder.short_of(place, 1, now));
        short.collect()
    }

    /// Some uses of a lease are reported, of each of which so much was drawn. What was not sent comes back, unless
    /// that is in doubt. True where there is something left again of what was spent.
    pub fn answer(
        &mut self,
        places: [&str; 2],
        lent: Lent,
        (parts, is_in_doubt): (&[Part], bool),
        drawn: impl Fn(Dimension) -> Option<u64>,
        now: Timestamp,
    ) -> bool {
        let mut is_back = false;
        self.each(places, now, |remainder| {
            let was_spent = remainder.is_spent(now);
            let units = drawn(remainder.dimension());
            for part in parts.iter().filter(|part| !part.is_not_sent) {
                remainder.answer(units, part.uses, lent);
            }
            for part in parts.iter().filter(|p| p.is_not_sent && !is_in_doubt) {
                remainder.give_back(units, part.uses, lent);
            }
            is_back |= was_spent && !remainder.is_spent(now);
        });
        is_back
    }

    /// A use went well where nothing was to be left: what is spent there is counted no more. Answers by whose word it was.
    pub fn forget_spent(&mut self, place: &str, now: Timestamp) -> Option<Uuid> {
        let is_meant = |r: &Remainder| r.word().bound().is_none() && r.is_spent(now);
        let by = self
            .at([place, place], now)
            .find(|(_, remainder)| is_meant(remainder))
            .map(|(_, remainder)| remainder.word().caller);
        self.retain(place, |r| r.is_in_force(now) && !r.is_spent(now));
        by
    }

    /// What is kept of this place. What has ended is not.
    fn retain(&mut self, place: &str, keep: impl Fn(&Remainder) -> bool) {
        let Some(remainders) = self.places.get_mut(place) else {
            return;
        };
        remainders.retain(keep);
        if remainders.is_empty() {
            self.places.remove(place);
        }
    }

    fn at<'a>(
        &'a self,
        places: [&'a str; 2],
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a str, &'a Remainder)> {
        let of = move |place: &'a str| {
            let remainders = self.places.get(place).map_or(&[][..], Vec::as_slice);
            remainders.iter().map(move |remainder| (place, remainder))
        };
        let all = places.into_iter().flat_map(of);
        all.filter(move |(_, remainder)| remainder.is_in_force(now))
    }

    fn each(&mut self, places: [&str; 2], now: Timestamp, mut tell: impl FnMut(&mut Remainder)) {
        for place in places {
            self.retain(place, |remainder| remainder.is_in_force(now));
            let remainders = self.places.get_mut(place);
            remainders.into_iter().flatten().for_each(&mut tell);
        }
    }
}

/// Whether a lease takes of it what a provider counts.
const fn is_leased(dimension: Dimension) -> bool {
    match dimension {
        Dimension::Requests
        | Dimension::Tokens
        | Dimension::InputTokens
        | Dimension::OutputTokens => true,
        Dimension::CostMicros | Dimension::Concurrency => false,
    }
}

/// What one use counts for.
fn units(dimension: Dimension, estimate: Estimate) -> u64 {
    units_of(dimension, estimate).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests;
