//! What rests of an account since too little is said to be left of a budget. Only this replica's leases are counted, so only this replica
//! rests: the others hear for themselves what is left, and a rest of theirs could not be lifted from here.

use uuid::Uuid;

use super::own::Own;
use crate::domain::cooling::{AccountCooldowns, Failing};
use crate::domain::health::Cause;
use crate::domain::remaining::{Remainders, Short};
use crate::domain::time::Timestamp;
use crate::live::version::Applicant;

/// What is left of an account's budgets, and what rests for lack of that: for all, or for the caller alone who says so. These rests are
/// apart from other cooldowns, since an answer that says more lifts them, and never a 429.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) remainders: Remainders,
    rests: AccountCooldowns,
    pub(super) own: Own,
}

impl Counted {
    /// Until when these rest for everybody.
    pub(super) fn of<'a>(
        &'a self,
        places: [&'a str; 2],
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Cause> {
        let causes = places.map(|place| self.rests.of(place, now));
        causes.into_iter().flatten()
    }

    /// Until when they do for one caller.
    pub(super) fn bars<'a>(
        &'a self,
        places: [&'a str; 2],
        applicant: Applicant,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Cause> {
        let Applicant { caller, patience } = applicant;
        let causes = places.map(|place| self.rests.bars(place, caller, patience, now));
        let own = self.own.bars(places, caller, now);
        causes.into_iter().flatten().chain(own)
    }

    pub(super) fn is_alleged(&self) -> bool {
        self.rests.is_alleged() || !self.own.is_empty()
    }

    pub(super) fn is_tried(&mut self, places: [&str; 2], now: Timestamp) -> bool {
        self.rests.is_tried(places, now)
    }

    pub(super) fn is_untried(&mut self, places: [&str; 2], now: Timestamp) {
        self.rests.is_untried(places, now);
    }

    pub(super) fn succeed(&mut self, model: &str, now: Timestamp) {
        self.rests.succeed(model, now);
        self.own.forget(now);
    }

    /// As for other cooldowns; and what was spent by the word that was wrong is counted no more.
    pub(super) fn refute(
        &mut self,
        models: [&str; 2],
        found: (Uuid, Timestamp, Option<Uuid>),
        now: Timestamp,
    ) -> Option<Uuid> {
        let rested = models.map(|model| self.rests.of(model, now).is_some());
        let wrong = self.rests.refute(models, found, now);
        for (model, rested) in models.into_iter().zip(rested) {
            if rested && self.rests.of(model, now).is_none() {
                self.remainders.forget_spent(model, now);
            }
        }
        wrong
    }

    /// Too little is left of a budget: it rests as if nothing were said to be left.
    pub(super) fn rest(&mut self, short: &Short, now: Timestamp) {
        let Short {
            place,
            word,
            spent,
            why,
        } = short;
        if let Some(weight) = word.weight {
            self.rests
                .spend((word.caller, weight), place, *spent, why, now);
            return;
        }
        let failing = Failing {
            class: spent.class,
            stated: Some(spent.wait),
            why,
        };
        self.own.blame(word.caller, place, failing, now);
    }

    /// There is more left again of a budget of this place, be it for one caller alone: what rests there is what is spent still.
    pub(super) fn lift(&mut self, place: &str, bound: Option<Uuid>, now: Timestamp) {
        self.own.lift(bound, place);
        if bound.is_none() {
            self.rests.lift(place, now);
        }
        for short in self.remainders.spent([place, place], now) {
            self.rest(&short, now);
        }
    }
}
