//! What is heard of budgets of which it is known how much is left: answers that say so, and reports of uses.

use std::sync::atomic::Ordering;

use super::{AccountLive, State};
use crate::domain::classify::Statement;
use crate::domain::cooling::places;
use crate::domain::health::Cause;
use crate::domain::ledger::settle::Part;
use crate::domain::limit::Dimension;
use crate::domain::remaining::{Leasing, Lent, Word};
use crate::domain::time::Timestamp;
use crate::live::version::Applicant;

impl AccountLive {
    /// What a lease would be told, where what is said to be left is not enough for it. Nothing begins.
    pub fn would_rest(
        &self,
        model: Option<&str>,
        applicant: Applicant,
        leasing: Leasing,
        now: Timestamp,
    ) -> Option<Cause> {
        let (places, state) = (places(model), self.state.lock());
        let counted = &state.counted;
        let lack = counted
            .offer(places, (applicant, None), leasing, now)
            .err()?;
        let held = |place: &str| state.cooldowns.of(place, now).is_some();
        let is_tried = places.into_iter().any(held) || counted.of(places, now).next().is_some();
        // Where something rests already, and this lease may pass, it is the one that finds out.
        let is_trial = is_tried && counted.bars(places, applicant, now).is_none();
        (!is_trial).then_some(lack.cause)
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

    /// Uses of a lease are reported, of each of which so much was drawn: what was not sent is left again, unless that is
    /// in doubt.
    pub fn answered(
        &self,
        model: &str,
        lent: Lent,
        parts: (&[Part], bool),
        drawn: impl Fn(Dimension) -> Option<u64>,
        now: Timestamp,
    ) {
        if !self.is_counted.load(Ordering::Acquire) {
            return;
        }
        let state = &mut *self.state.lock();
        let (places, counted) = (places(Some(model)), &mut state.counted);
        let came_back = parts.0.iter().any(|part| part.is_not_sent);
        if counted.remainders.answer(places, lent, parts, drawn, now) {
            for place in places {
                counted.lift(place, None, now);
            }
            self.note_lifted(state);
        } else if came_back {
            // Not enough for any use, but perhaps for whoever waits for more than there was.
            state.wake_counted();
        }
        self.note_counted(state);
    }

    fn note_lifted(&self, state: &State) {
        self.note_alleged(state);
        state.wake_counted();
    }

    fn note_counted(&self, state: &State) {
        let is_counted = !state.counted.remainders.is_empty();
        self.is_counted.store(is_counted, Ordering::Release);
    }
}
