//! The calls that wait for an account, and who of them is woken when.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{AccountLive, State};
use crate::domain::ledger::held::Ticket;

/// How a call that waits is told to try again.
#[derive(Debug)]
pub(super) struct Waker {
    wake: Arc<Notify>,
    /// It waits for permits to come, not just for the answer that is on its way.
    is_patient: bool,
}

impl AccountLive {
    /// A call waits for permits of this account.
    pub fn join(&self, ticket: Ticket, wake: Arc<Notify>, is_patient: bool) {
        let waker = Waker { wake, is_patient };
        self.state.lock().wakers.insert(ticket, waker);
    }

    /// It waits no more: those behind it move up.
    pub fn leave(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        state.wakers.remove(&ticket);
        state.budget.leave(ticket);
        wake_first(&state);
        state.leave_counted(ticket);
    }

    /// A call cannot be served here as things stand, though it may be later: it holds up nobody until it has tried again.
    pub fn step_aside(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        let before = Fronts::of(&state);
        state.budget.leave(ticket);
        before.wake_moved(ticket, &state);
        state.leave_counted(ticket);
    }

    /// The database answered: whoever waited only for that goes on.
    pub fn wake_impatient(&self) {
        let state = self.state.lock();
        let impatient = state.wakers.values().filter(|waker| !waker.is_patient);
        impatient.for_each(|waker| waker.wake.notify_one());
    }

    /// Whoever is first in a line tries again.
    pub fn wake(&self) {
        wake_first(&self.state.lock());
    }
}

impl State {
    pub(super) fn wake(&self, ticket: Ticket) {
        if let Some(waker) = self.wakers.get(&ticket) {
            waker.wake.notify_one();
        }
    }

    /// There may be more left of what is counted: whoever goes first there tries again.
    pub(super) fn wake_counted(&self) {
        let first = self.counted.lines.firsts();
        first.for_each(|ticket| self.wake(ticket));
    }

    /// A call waits no more for what is counted: whoever moves up tries.
    pub(super) fn leave_counted(&mut self, ticket: Ticket) {
        let next = self.counted.lines.leave(ticket);
        next.into_iter().for_each(|next| self.wake(next));
    }

    pub(super) fn wake_all(&self) {
        let wakers = self.wakers.values();
        wakers.for_each(|waker| waker.wake.notify_one());
    }
}

/// Who goes first where, before a call tries.
#[derive(Debug)]
pub(super) struct Fronts {
    first: Vec<Option<Ticket>>,
    keeps: usize,
}

impl Fronts {
    pub(super) fn of(state: &State) -> Self {
        Self {
            first: state.budget.fronts().collect(),
            keeps: state.budget.keeps(),
        }
    }

    /// Whoever moved up to the front of a line tries too; and so does whoever goes first, where less is kept from it.
    pub(super) fn wake_moved(&self, tried: Ticket, state: &State) {
        let is_less_kept = state.budget.keeps() < self.keeps;
        let fronts = state.budget.fronts().zip(&self.first);
        let moved = fronts.filter(|(now, before)| is_less_kept || now != *before);
        let moved = moved.filter_map(|(now, _)| now);
        moved
            .filter(|ticket| *ticket != tried)
            .for_each(|ticket| state.wake(ticket));
    }
}

pub(super) fn wake_first(state: &State) {
    let first = state.budget.first_in_lines();
    first.for_each(|ticket| state.wake(ticket));
}
