//! Leases of budgets of which it is known how much is left: counted as permits are taken, under the same lock.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::waiting::{Fronts, wake_first};
use super::{AccountLive, State};
use crate::domain::classify::Statement;
use crate::domain::cooling::places;
use crate::domain::health::Cause;
use crate::domain::ledger::budget::lack::Lack;
use crate::domain::ledger::budget::{Need, Take};
use crate::domain::ledger::settle::Part;
use crate::domain::limit::Dimension;
use crate::domain::pool::Estimate;
use crate::domain::remaining::{Leasing, Short, Word};
use crate::domain::time::{BootTime, Timestamp};

/// Who takes permits, as far as what is left of a budget binds it.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// The caller.
    pub caller: Uuid,
    /// It finds out whether so little is left as one caller says.
    pub is_try: bool,
    /// When.
    pub now: Timestamp,
}

#[cfg(test)]
impl Asking {
    /// Of whom nothing is known.
    pub(in crate::live) const NOBODY: Self = Self {
        caller: Uuid::nil(),
        is_try: false,
        now: Timestamp::from_micros(0),
    };
}

/// No use takes less.
const LEAST: Estimate = Estimate {
    input_tokens: 1,
    output_tokens: 0,
    cost_micros: None,
};

impl State {
    fn rest(&mut self, short: &Short, now: Timestamp) {
        if short.place.is_empty() && short.word.weight.is_some() {
            self.said_with = Some((short.word.caller, short.word.model.clone()));
        }
        self.counted.rest(short, now);
    }

    /// For how many uses enough is left.
    fn offer(&mut self, need: &Need<'_>, asking: Asking) -> Result<u64, Cause> {
        let (places, now) = (places(need.model), asking.now);
        let leasing = leasing(need, need.uses, asking);
        let short = match self.counted.remainders.offer(places, leasing, now) {
            Ok(uses) => return Ok(uses),
            Err(short) => short,
        };
        // What is too little for this call alone may do for others.
        let least = Leasing {
            uses: 1,
            estimate: LEAST,
            ..leasing
        };
        if self.counted.remainders.offer(places, least, now).is_ok() {
            return Err(short.cause(now));
        }
        self.rest(&short, now);
        let rests = self.counted.of(places, now);
        let rests = rests.chain(self.counted.own.bars(places, asking.caller, now));
        match rests.max_by_key(|cause| cause.until) {
            Some(cause) => Err(cause.clone().told(now)),
            // Of a caller who has made as many models rest as one may, nothing more does.
            None => Ok(need.uses),
        }
    }
}

impl AccountLive {
    /// Takes from every limit, or from none; then `lacks` hears of each limit that says no, as it was when it said so. Only a call that
    /// has joined stands in a line: one that was served elsewhere first would never leave it.
    ///
    /// # Errors
    /// The cooldown that begins with this, where what is said to be left of a budget is not enough.
    pub fn take(
        &self,
        mut need: Need<'_>,
        asking: Asking,
        now: BootTime,
        lacks: impl FnMut(Lack),
    ) -> Result<Take, Cause> {
        let state = &mut *self.state.lock();
        let is_counted = !state.counted.remainders.is_empty();
        if is_counted && !asking.is_try {
            let offered = state.offer(&need, asking);
            need.uses = offered.inspect_err(|_| self.note_alleged(state))?;
        }
        need.ticket = need.ticket.filter(|t| state.wakers.contains_key(t));
        let before = need.ticket.map(|ticket| (ticket, Fronts::of(state)));
        let take = state.budget.take(need, now);
        if let Some((ticket, before)) = before {
            before.wake_moved(ticket, state);
        }
        match &take {
            Take::Taken(taken) if is_counted => self.count_lease(state, &need, taken.uses, asking),
            Take::Taken(_) => {}
            Take::Short(_) | Take::TooLarge(..) | Take::ModelRequired | Take::CostRequired => {
                state.budget.lacks(need, now).for_each(lacks);
            }
        }
        Ok(take)
    }

    fn count_lease(&self, state: &mut State, need: &Need<'_>, uses: u64, asking: Asking) {
        let places = places(need.model);
        let leased = leasing(need, uses, asking);
        let spent = state.counted.remainders.lease(places, leased, asking.now);
        if !spent.is_empty() {
            spent.iter().for_each(|short| state.rest(short, asking.now));
            self.note_alleged(state);
        }
    }

    /// The cooldown that a lease would begin, where what is said to be left is not enough for it. Nothing begins.
    pub fn would_rest(
        &self,
        model: Option<&str>,
        leasing: Leasing,
        now: Timestamp,
    ) -> Option<Cause> {
        let (places, state) = (places(model), self.state.lock());
        let held = |place: &str| state.cooldowns.of(place, now).is_some();
        // Where something rests already, and this lease may pass, it is the one that finds out.
        if places.into_iter().any(held) || state.counted.of(places, now).next().is_some() {
            return None;
        }
        let short = state.counted.remainders.offer(places, leasing, now).err()?;
        Some(short.cause(now))
    }

    /// An answer to a use of a lease that was given then says what is left of a budget, for this model or, where that is empty, for all.
    pub fn hear_left(
        &self,
        place: &str,
        (word, given): (Word, Timestamp),
        said: Statement,
        now: Timestamp,
    ) {
        let state = &mut *self.state.lock();
        let bound = word.bound();
        let counted = &mut state.counted;
        if counted.remainders.hear(place, (word, given), said, now) {
            counted.lift(place, bound, now);
            self.note_lifted(state);
        }
        self.note_counted(state);
    }

    /// Uses of a lease that was given then are reported, of each of which so much was drawn: what was not sent is left again, unless that is
    /// in doubt.
    pub fn answered(
        &self,
        model: &str,
        given: Timestamp,
        parts: (&[Part], bool),
        drawn: impl Fn(Dimension) -> Option<u64>,
        now: Timestamp,
    ) {
        if !self.is_counted.load(Ordering::Acquire) {
            return;
        }
        let state = &mut *self.state.lock();
        let (places, counted) = (places(Some(model)), &mut state.counted);
        if counted.remainders.answer(places, given, parts, drawn, now) {
            for place in places {
                counted.lift(place, None, now);
            }
            self.note_lifted(state);
        }
        self.note_counted(state);
    }

    fn note_lifted(&self, state: &State) {
        self.note_alleged(state);
        wake_first(state);
    }

    fn note_counted(&self, state: &State) {
        let is_counted = !state.counted.remainders.is_empty();
        self.is_counted.store(is_counted, Ordering::Release);
    }
}

fn leasing(need: &Need<'_>, uses: u64, asking: Asking) -> Leasing {
    Leasing {
        caller: asking.caller,
        estimate: need.estimate,
        uses,
    }
}
