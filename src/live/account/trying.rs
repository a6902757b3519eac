//! What an account cools down from by one caller's word alone: believed at once, and in time tried by single leases.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::waiting::wake_first;
use super::{AccountLive, State};
use crate::domain::cooling::{place_of, places};
use crate::domain::health::Cause;
use crate::domain::time::Timestamp;
use crate::live::version::Applicant;

/// What a success finds out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Whose word is wrong, if anyone's is.
    pub wrong: Option<Uuid>,
    /// What was left by whose word was counted down, and there was more.
    pub in_vain: Option<Uuid>,
}

impl AccountLive {
    /// Until when, and why, the account gives this caller no lease for `model`: unless it is the one that is to find out. What rests since
    /// too little is left is told where permits are taken, since that is waited for in line.
    pub fn bars(&self, model: Option<&str>, applicant: Applicant, now: Timestamp) -> Option<Cause> {
        let is_alleged = self.is_alleged.load(Ordering::Acquire);
        let cause = self.state.lock().bars(model, applicant, is_alleged, now)?;
        Some(cause.told(now))
    }

    /// A lease for this caller is about to be given: where it is to find out whether one caller's word is true, no other of this replica is
    /// for a while. Answers whether it is; the cooldown that bars it if another was faster.
    pub fn try_out(
        &self,
        model: Option<&str>,
        applicant: Applicant,
        now: Timestamp,
    ) -> Result<bool, Cause> {
        if !self.is_alleged.load(Ordering::Acquire) {
            return Ok(false);
        }
        let state = &mut *self.state.lock();
        if let Some(cause) = state.bars(model, applicant, true, now) {
            return Err(cause.told(now));
        }
        if state.counted.bars(places(model), applicant, now).is_some() {
            return Ok(false);
        }
        let is_tried = state.cooldowns.is_tried(places(model), now);
        Ok(state.counted.is_tried(places(model), now) || is_tried)
    }

    /// The lease was not given after all: the next may find out.
    pub fn recall(&self, model: Option<&str>, now: Timestamp) {
        let state = &mut *self.state.lock();
        state.cooldowns.is_untried(places(model), now);
        state.counted.is_untried(places(model), now);
        state.wake_counted();
    }

    /// A use of one of its keys by this caller succeeded, of a lease that was given then. Answers what is found by that.
    pub fn succeed(&self, model: &str, (by, given): (Uuid, Timestamp), now: Timestamp) -> Found {
        let state = &mut *self.state.lock();
        state.cooldowns.succeed(place_of(Some(model)), now);
        state.counted.succeed(place_of(Some(model)), now);
        if !self.is_alleged.load(Ordering::Acquire) {
            return Found::default();
        }
        state.own.forget(now);
        let models = places(Some(model));
        let said_with = state.said_with.as_ref();
        let excused = said_with.filter(|(_, with)| with != model);
        let excused = excused.map(|(by, _)| *by);
        let found = (by, given, excused);
        let wrong = state.cooldowns.refute(models, found, now);
        let in_vain = state.counted.refute(models, found, now);
        self.note_alleged(state);
        wake_first(state);
        state.wake_counted();
        Found { wrong, in_vain }
    }

    /// Who alone spoke of what a lease elsewhere has found not to be so: all that is stored is this.
    #[must_use]
    pub fn alleged_beside(&self, stored: &[(String, Cause)], now: Timestamp) -> Vec<Uuid> {
        let state = self.state.lock();
        state.cooldowns.alleged_beside(stored, now).collect()
    }

    pub(super) fn note_alleged(&self, state: &State) {
        let is_alleged = state.cooldowns.is_alleged() || !state.own.is_empty();
        let is_alleged = is_alleged || state.counted.is_alleged();
        self.is_alleged.store(is_alleged, Ordering::Release);
    }
}

impl State {
    /// What bars this caller longest of all that is no lack of what is left.
    fn bars(
        &self,
        model: Option<&str>,
        applicant: Applicant,
        is_alleged: bool,
        now: Timestamp,
    ) -> Option<Cause> {
        let Applicant { caller, patience } = applicant;
        let bars = |model: &str| self.cooldowns.bars(model, caller, patience, now);
        let causes = places(model).map(bars).into_iter().flatten();
        let own = is_alleged.then(|| self.own.bars(places(model), caller, now));
        let longest = causes.chain(own.flatten()).max_by_key(|cause| cause.until);
        longest.cloned()
    }
}
