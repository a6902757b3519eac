//! Needs that cannot be met now, and the calls that wait for them.

use super::{Held, Ticket};
use crate::domain::ledger::block::Block;
use crate::domain::ledger::work::{PAUSE, Wait};
use crate::domain::time::BootTime;

/// A call that may wait.
#[derive(Debug, Clone, Copy)]
pub struct Waiter {
    /// Its place in line, once it stands there.
    pub ticket: Option<Ticket>,
    /// For how long it waits at most.
    pub until: BootTime,
    /// It waits for permits to come, not just for the answer that is on its way.
    pub is_patient: bool,
    /// It waits longer for another limit, and lets others go first until then.
    pub yields: bool,
}

impl Held {
    /// A need that could not be met, remembered until the next answer. With a ticket it stands in line from now on.
    pub fn miss(&mut self, units: u64, uses: u64, waiter: Waiter) {
        if let Some(ticket) = waiter.ticket {
            self.line.stand(ticket, units, waiter);
        }
        if self.line.is_due(waiter.ticket, units, waiter.until) {
            self.missed.due.add(units, uses);
            self.missed.is_awaited |= waiter.is_patient;
        } else {
            self.missed.hoped.add(units, uses);
        }
    }

    /// A call does not wait for it any more.
    pub fn leave(&mut self, ticket: Ticket) {
        self.line.leave(ticket);
    }

    /// Who goes first.
    #[must_use]
    pub fn first_in_line(&self) -> Option<Ticket> {
        let at_hand = self.at_hand();
        self.line.next(|needed| needed <= at_hand)
    }

    /// The most that one block has.
    pub(super) fn at_hand(&self) -> u64 {
        self.open.iter().map(Block::left).max().unwrap_or(0)
    }

    /// Whoever goes first and needs so much is waited for, however little a call needs itself.
    pub(super) fn wait_behind(&self, first: u64, units: u64, now: BootTime) -> Wait {
        let wait = self.refusals.wait_for(first.max(units));
        Wait {
            clears_at: wait.clears_at.max(now.after(PAUSE)),
            ..wait
        }
    }

    /// Whether nobody goes before a call that stands in line and can be met in time.
    #[must_use]
    pub fn is_first(&self, ticket: Ticket) -> bool {
        self.line.is_first(ticket)
    }
}
