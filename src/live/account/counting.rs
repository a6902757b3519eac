//! Leases of budgets of which it is known how much is left: counted as permits are taken, under the same lock.

use super::counted::Lack;
use super::waiting::Fronts;
use super::{AccountLive, State};
use crate::domain::cooling::places;
use crate::domain::health::Cause;
use crate::domain::ledger::budget::{Need, Take, Taken, lack};
use crate::domain::pool::Estimate;
use crate::domain::remaining::{Leasing, Short};
use crate::domain::time::{BootTime, Timestamp};
use crate::live::version::Applicant;

/// Who takes permits, as far as what is left of a budget binds it.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// The caller.
    pub applicant: Applicant,
    /// It finds out whether so little is left as one caller says.
    pub is_try: bool,
    /// When.
    pub now: Timestamp,
}

/// Too little is left of a budget for a call, or others go first.
#[derive(Debug, PartialEq, Eq)]
pub struct Rest {
    /// As a cooldown, until then.
    pub cause: Cause,
    /// Others wait for it who came before. Whoever goes first looks again when it ends, and those behind are woken as they move up.
    pub is_behind: bool,
}

#[cfg(test)]
impl Asking {
    /// Of whom nothing is known.
    pub(in crate::live) const NOBODY: Self = Self {
        applicant: Applicant {
            caller: uuid::Uuid::nil(),
            patience: std::time::Duration::ZERO,
        },
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

    /// For how many uses enough is left, with nobody before.
    fn offer(&mut self, need: &Need<'_>, asking: Asking) -> Result<u64, Box<Lack>> {
        let (places, now) = (places(need.model), asking.now);
        let leasing = leasing(need, need.uses, asking);
        let call = (asking.applicant, need.ticket);
        let lack = match self.counted.offer(places, call, leasing, now) {
            Ok(uses) => return Ok(uses),
            Err(lack) => lack,
        };
        let Some(short) = &lack.short else {
            return Err(lack);
        };
        // What is too little for this call alone may do for others: it holds them up only where it would never get enough otherwise.
        let least = Leasing {
            uses: 1,
            estimate: LEAST,
            ..leasing
        };
        if self.counted.remainders.offer(places, least, now).is_ok() {
            let yields = !short.is_steady;
            return Err(Box::new(Lack { yields, ..*lack }));
        }
        self.rest(short, now);
        match self.counted.bars(places, asking.applicant, now) {
            Some(rest) => Err(Box::new(rest)),
            // Of a caller who has made as many models rest as one may, nothing more does.
            None => Ok(need.uses),
        }
    }

    /// A call waits for what is left, in line: meanwhile it holds up nobody who waits for a limit alone.
    fn wait(&mut self, need: Need<'_>, lack: Lack, (at, now): (Timestamp, BootTime)) -> Rest {
        let Lack {
            lacking,
            cause,
            yields,
            ..
        } = lack;
        let Some(ticket) = need.ticket else {
            let is_behind = false;
            return Rest { cause, is_behind };
        };
        let before = Fronts::of(self);
        let moved = self.counted.lines.stand(ticket, lacking, yields);
        let is_first = self.counted.lines.is_first(ticket);
        let clears_at = now.after(cause.until.since(at));
        self.budget.wait_elsewhere(need, (is_first, clears_at), now);
        before.wake_moved(ticket, self);
        moved.into_iter().for_each(|next| self.wake(next));
        Rest {
            cause,
            is_behind: !is_first && !yields,
        }
    }
}

impl AccountLive {
    /// Takes from every limit, or from none; then `lacks` hears of each limit that says no, as it was when it said so. Only a call that
    /// has joined stands in a line: one that was served elsewhere first would never leave it.
    ///
    /// # Errors
    /// What is said to be left of a budget is not enough: then no limit is asked.
    pub fn take(
        &self,
        mut need: Need<'_>,
        asking: Asking,
        now: BootTime,
        lacks: impl FnMut(lack::Lack),
    ) -> Result<Take, Rest> {
        let state = &mut *self.state.lock();
        need.ticket = need.ticket.filter(|t| state.wakers.contains_key(t));
        let is_counted = !state.counted.is_idle();
        if is_counted && !asking.is_try {
            match state.offer(&need, asking) {
                Ok(uses) => need.uses = uses,
                Err(lack) => {
                    self.note_alleged(state);
                    return Err(state.wait(need, *lack, (asking.now, now)));
                }
            }
        }
        let before = need.ticket.map(|ticket| (ticket, Fronts::of(state)));
        let take = state.budget.take(need, now);
        match &take {
            Take::Taken(taken) if is_counted => self.count_lease(state, &need, taken, asking),
            Take::Taken(_) => {}
            Take::Short(_) | Take::TooLarge(..) | Take::ModelRequired | Take::CostRequired => {
                state.budget.lacks(need, now).for_each(lacks);
            }
        }
        if let Some((ticket, before)) = before {
            before.wake_moved(ticket, state);
            state.leave_counted(ticket);
        }
        Ok(take)
    }

    fn count_lease(&self, state: &mut State, need: &Need<'_>, taken: &Taken, asking: Asking) {
        let leased = leasing(need, taken.uses, asking);
        let (remainders, within) = (&mut state.counted.remainders, taken.within.report);
        let spent = remainders.lease(places(need.model), leased, within, asking.now);
        if !spent.is_empty() {
            spent.iter().for_each(|short| state.rest(short, asking.now));
            self.note_alleged(state);
        }
    }
}

fn leasing(need: &Need<'_>, uses: u64, asking: Asking) -> Leasing {
    Leasing {
        caller: asking.applicant.caller,
        estimate: need.estimate,
        uses,
    }
}
