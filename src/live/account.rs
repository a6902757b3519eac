//! One account as this replica sees it: its permits, its cooldowns, and the calls that wait for it, in order of arrival.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::domain::health::{Cause, FailureClass};
use crate::domain::cooling::Cooling;
use crate::domain::ledger::budget::{Budget, Need, Take};
use crate::domain::time::{BootTime, Timestamp};

/// The most models of one account whose cooldowns are kept; what has ended makes room first.
const COOLING_MODELS_MAX: usize = 256;

/// A place in line: smaller came earlier, over all pools.
pub type Ticket = u64;

/// One account as this replica sees it. Lives as long as any snapshot or lease needs it.
#[derive(Debug)]
pub struct AccountLive {
    uid: Uuid,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    budget: Budget,
    /// By model; the empty one is the account as a whole.
    cooling: HashMap<String, Cooling>,
    line: BTreeMap<Ticket, Arc<Notify>>,
}

impl AccountLive {
    /// No past.
    #[must_use]
    pub fn new(uid: Uuid) -> Self {
        Self {
            uid,
            state: Mutex::default(),
        }
    }

    /// The account's uid.
    #[must_use]
    pub const fn uid(&self) -> Uuid {
        self.uid
    }

    /// Works on the permits, under the account's lock.
    pub fn with_budget<T>(&self, work: impl FnOnce(&mut Budget) -> T) -> T {
        work(&mut self.state.lock().budget)
    }

    /// Takes from every limit, unless somebody waits who came before `ticket` (`None`: a call that has just arrived).
    pub fn take(&self, need: Need<'_>, ticket: Option<Ticket>, now: BootTime) -> Take {
        let mut state = self.state.lock();
        let first = state.line.keys().next().copied();
        let is_next = first.is_none_or(|first| ticket.is_some_and(|mine| mine <= first));
        if is_next {
            return state.budget.take(need, now);
        }
        // Somebody waits already, so permits are short, or about to be handed to them.
        state.budget.line_up(need, now)
    }

    /// Until when, and why, the account cools down for `model`.
    pub fn cooling(&self, model: Option<&str>, now: Timestamp) -> Option<Cause> {
        let state = self.state.lock();
        let of = |model: &str| state.cooling.get(model).and_then(|c| c.holds(now));
        let whole = of("");
        let own = model.filter(|m| !m.is_empty()).and_then(of);
        whole.into_iter().chain(own).max_by_key(|c| c.until).cloned()
    }

    /// A failure was blamed on the account. `Some` is news for the fleet.
    pub fn blame(
        &self,
        model: &str,
        class: FailureClass,
        stated: Option<std::time::Duration>,
        why: &str,
        now: Timestamp,
    ) -> Option<Cause> {
        let mut state = self.state.lock();
        if state.cooling.len() >= COOLING_MODELS_MAX {
            state.cooling.retain(|_, cooling| cooling.holds(now).is_some());
        }
        let jitter = f64::from(u16::try_from(now.micros() % 1_000).unwrap_or(0)) / 1_000.0;
        let cooling = state.cooling.entry(model.to_owned()).or_default();
        cooling.blame(class, stated, jitter, why, now)
    }

    /// A use of one of its keys succeeded.
    pub fn succeed(&self, now: Timestamp) {
        let mut state = self.state.lock();
        state.cooling.values_mut().for_each(|c| c.succeed(now));
    }

    /// Another replica, or this one's own write, says what it cools down from; `None`: nothing.
    pub fn told(&self, model: &str, cause: Option<Cause>) {
        let mut state = self.state.lock();
        match cause {
            Some(cause) => state.cooling.entry(model.to_owned()).or_default().told(cause),
            None => drop(state.cooling.remove(model)),
        }
    }

    /// Takes a place in line.
    pub fn join(&self, ticket: Ticket, wake: Arc<Notify>) {
        self.state.lock().line.insert(ticket, wake);
    }

    /// Leaves the line, and lets the next one try.
    pub fn leave(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        state.line.remove(&ticket);
        wake_first(&state);
    }

    /// Permits may be there: the first in line tries.
    pub fn wake(&self) {
        wake_first(&self.state.lock());
    }

    /// The ledger was asked and answered: everybody in line looks again, the first one first.
    pub fn wake_all(&self) {
        self.state.lock().line.values().for_each(|wake| wake.notify_one());
    }
}

fn wake_first(state: &State) {
    if let Some(wake) = state.line.values().next() {
        wake.notify_one();
    }
}
