//! One account as this replica sees it: its permits, its cooldowns, and the calls that wait for it, in order of arrival.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::heard::Heard;
use super::sync::{AtomicBool, Mutex};
use crate::domain::cooling::{AccountCooldowns, Failing, Weight, places};
use crate::domain::health::Cause;
use crate::domain::ledger::budget::Budget;
use crate::domain::ledger::held::{Ticket, Units};
use crate::domain::limit::Limit;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Words;

mod closing;
mod counted;
mod counting;
mod hearing;
mod own;
mod stating;
mod trying;
mod waiting;

use counted::Counted;
pub use counting::{Asking, Rest};
use own::Own;
pub use trying::Found;
use waiting::{Waker, wake_first};

/// One account as this replica sees it. Lives as long as any snapshot or lease needs it.
#[derive(Debug)]
pub struct AccountLive {
    uid: Uuid,
    is_noted: AtomicBool,
    /// Something was heard of its limits that is to be written.
    has_heard: AtomicBool,
    /// Some of what it cools down from is one caller's word alone, or holds for one caller alone.
    is_alleged: AtomicBool,
    /// What is left of some budget is known.
    is_counted: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    budget: Budget,
    cooldowns: AccountCooldowns,
    /// Who said lately that it is closed, of whichever of its keys.
    closed: Words,
    /// What doubted callers say, for each of them alone.
    own: Own,
    /// Who spoke of the whole account last, and the model that one has used it with.
    said_with: Option<(Uuid, String)>,
    heard: Heard,
    /// What is said to be left of its budgets, and what it has leased of that.
    counted: Counted,
    wakers: BTreeMap<Ticket, Waker>,
}

impl AccountLive {
    /// No past.
    #[must_use]
    pub fn new(uid: Uuid) -> Self {
        Self {
            uid,
            is_noted: AtomicBool::new(false),
            has_heard: AtomicBool::new(false),
            is_alleged: AtomicBool::new(false),
            is_counted: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// The account's uid.
    #[must_use]
    pub const fn uid(&self) -> Uuid {
        self.uid
    }

    /// The ledger is to look at it. False if it has been told so since it last began to look: what was taken before this call is seen
    /// then too, since the look comes under the account's lock.
    pub fn note(&self) -> bool {
        !self.is_noted.swap(true, Ordering::AcqRel)
    }

    /// The ledger looks at it: whatever happens from now on has to be noted again. A look brings no permits, so nobody is woken: a call
    /// that was would ask again, be looked at again, and so on until the answer comes.
    pub fn look<T>(&self, look: impl FnOnce(&mut Budget) -> T) -> T {
        self.is_noted.store(false, Ordering::Release);
        look(&mut self.state.lock().budget)
    }

    /// Works on the permits, under the account's lock; then whoever is first in a line tries again.
    pub fn with_budget<T>(&self, work: impl FnOnce(&mut Budget) -> T) -> T {
        let mut state = self.state.lock();
        let done = work(&mut state.budget);
        wake_first(&state);
        done
    }

    /// Works on the permits and wakes nobody yet: see [`Self::wake`].
    pub fn with_budget_quietly<T>(&self, work: impl FnOnce(&mut Budget) -> T) -> T {
        work(&mut self.state.lock().budget)
    }

    /// The limits are now these. Whoever waits tries again if they are others than before: what it waited for may be there no more.
    pub fn reconfigure(&self, limits: &[Arc<Limit>]) {
        let mut state = self.state.lock();
        if state.budget.reconfigure(limits) {
            state.wake_all();
        }
    }

    /// Units of each limit that were handed out and given back since this was last asked.
    pub fn count(&self) -> Vec<(Arc<Limit>, Units)> {
        self.state.lock().budget.count()
    }

    /// Until when, and why, the account cools down for `model`.
    pub fn cooling(&self, model: Option<&str>, now: Timestamp) -> Option<Cause> {
        let state = self.state.lock();
        let places = places(model);
        let of = |model: &str| state.cooldowns.of(model, now);
        let causes = places.map(of).into_iter().flatten();
        let causes = causes.chain(state.counted.of(places, now));
        let longest = causes.max_by_key(|cause| cause.until);
        longest.map(|cause| cause.clone().told(now))
    }

    /// The same for whichever model.
    pub fn whole(&self, now: Timestamp) -> Option<Cause> {
        self.state.lock().cooldowns.of("", now).cloned()
    }

    /// Whether a use of a lease that was given then finds out whether it is closed still.
    pub fn is_trial_of_closure(&self, given: Timestamp, now: Timestamp) -> bool {
        let whole = self.whole(now);
        whole.is_some_and(|cause| cause.is_trial_of_closure(given))
    }

    /// A failure that `caller` reported was blamed on the account. News for the fleet is kept as unsaved until [`Self::saved`].
    pub fn blame(&self, word: (Uuid, Weight), model: &str, failing: Failing<'_>, now: Timestamp) {
        let state = &mut *self.state.lock();
        if state.cooldowns.blame(word, model, failing, now) {
            wake_first(state);
        }
        self.note_alleged(state);
    }

    /// It cools down as a whole, for as long as this says and no longer.
    pub fn pause(&self, cause: Cause) {
        self.state.lock().cooldowns.pause(cause);
    }

    /// Cooldowns, by model, that must be committed before the report behind them is answered.
    #[must_use]
    pub fn unsaved(&self) -> Vec<(String, Cause)> {
        self.state.lock().cooldowns.unsaved()
    }

    /// A cooldown is committed.
    pub fn saved(&self, model: &str, cause: &Cause) {
        self.state.lock().cooldowns.saved(model, cause);
    }

    /// Another replica says what it cools down from. What has ended is no news.
    pub fn told(&self, model: &str, cause: Cause, now: Timestamp) {
        let state = &mut *self.state.lock();
        state.cooldowns.told(model, cause, now);
        self.note_alleged(state);
    }

    /// Leases elsewhere found that some of what it cools down from is none: of all that was stored this is left.
    pub fn tried_elsewhere(&self, stored: &[(String, Cause)], now: Timestamp) {
        let state = &mut *self.state.lock();
        state.cooldowns.told_all(stored, now);
        self.note_alleged(state);
    }

    /// A person says that it cools down from nothing but this.
    pub fn cleared(&self, except: &[(String, Cause)], now: Timestamp) {
        let state = &mut *self.state.lock();
        state.cooldowns.cleared(except, now);
        state.closed = Words::default();
        state.own = Own::default();
        // Whoever waits for what is left stands in no line any more.
        state.counted = Counted::default();
        state.wake_all();
        self.note_alleged(state);
    }
}

#[cfg(test)]
mod tests;
