//! Who waits for these limits.
//!
//! A call that lacks permits of some limits stands in their lines, in order of arrival. What it has enough of it does not hold for long:
//! others may have it while this call waits elsewhere for longer than what is at hand lives. But calls that need one limit each would
//! starve one that needs two, whose permits never come together. So from the moment on at which it could have been served, had all been
//! kept for it, it yields to nobody who came later: what it has enough of is kept, and of what it lacks it is the first to get.
//! Only who is first wherever it lacks something has anything kept, so one need of each limit may lie idle, and no more.

use super::offering::Lacking;
use super::{Budget, Need, counts, units};
use crate::domain::ledger::held::{Held, Ticket, Waiter};
use crate::domain::limit::Mode;
use crate::domain::time::BootTime;

/// What a call still waits for, that has enough of some limits.
#[derive(Debug, Clone, Copy)]
struct Rest {
    /// It goes first wherever it lacks something of which the database has said no.
    is_first: bool,
    /// Some limit has not said no.
    is_until_answer: bool,
    /// When the last of the others clears.
    clears_at: BootTime,
    /// It could have been served by now.
    is_owed: bool,
}

impl Budget {
    /// A call cannot be served now, and waits for what these limits lack.
    pub(super) fn wait(&mut self, need: Need<'_>, lacking: &[Lacking], now: BootTime) {
        let is_owed = self.is_owed(need.ticket, lacking, now);
        for lack in lacking {
            let held = &mut self.held[lack.index];
            let soon = now.after(held.limit().terms().validity);
            let soon = soon.max(lack.wait.clears_at);
            let is_later = |other: &Lacking| other.wait.clears_at > soon;
            let waiter = Waiter {
                yields: !is_owed && lacking.iter().any(is_later),
                ..need.waiter()
            };
            held.miss(lack.units, need.uses, waiter);
        }
        let Some(ticket) = need.ticket else {
            return;
        };
        let rest = self.rest(ticket, lacking, is_owed, now);
        for (index, held) in self.held.iter_mut().enumerate() {
            let is_lacking = lacking.iter().any(|lack| lack.index == index);
            if !is_lacking {
                rest.pass(need, ticket, held, now);
            }
        }
    }

    /// A call waits for something that no limit counts, until then. It stands in no line here and holds up nobody; but where it goes first
    /// there, what is at hand is kept for it as it is for a call that waits for another limit.
    pub fn wait_elsewhere(
        &mut self,
        need: Need<'_>,
        (is_first, clears_at): (bool, BootTime),
        now: BootTime,
    ) {
        let Some(ticket) = need.ticket else {
            return;
        };
        let rest = Rest {
            is_first,
            is_until_answer: false,
            clears_at,
            is_owed: self.owed.get(&ticket).is_some_and(|owed| *owed <= now),
        };
        for held in &mut self.held {
            rest.pass(need, ticket, held, now);
        }
    }

    /// A call waits no more.
    pub fn leave(&mut self, ticket: Ticket) {
        self.held.iter_mut().for_each(|held| held.leave(ticket));
        self.owed.remove(&ticket);
    }

    /// Who goes first, for each limit: they are worth waking when something has come back.
    pub fn first_in_lines(&self) -> impl Iterator<Item = Ticket> {
        self.fronts().flatten()
    }

    /// The same, limit by limit.
    pub fn fronts(&self) -> impl Iterator<Item = Option<Ticket>> {
        self.held.iter().map(Held::first_in_line)
    }

    /// For how many calls something is kept, over all limits.
    #[must_use]
    pub fn keeps(&self) -> usize {
        self.held.iter().map(Held::keeps).sum()
    }

    /// Whether a call could have been served by now, had all been kept for it that it needs: as soon as each limit that it lacked had
    /// cleared, as was said when all of them had said no first.
    fn is_owed(&mut self, ticket: Option<Ticket>, lacking: &[Lacking], now: BootTime) -> bool {
        let Some(ticket) = ticket else {
            return false;
        };
        let is_answered = |lack: &Lacking| now < lack.wait.ask_at;
        if !self.owed.contains_key(&ticket) && lacking.iter().all(is_answered) {
            let clears = lacking.iter().map(|lack| lack.wait.clears_at);
            self.owed.insert(ticket, clears.max().unwrap_or(now));
        }
        self.owed.get(&ticket).is_some_and(|owed| *owed <= now)
    }

    fn rest(&self, ticket: Ticket, lacking: &[Lacking], is_owed: bool, now: BootTime) -> Rest {
        let answered = || lacking.iter().filter(|lack| now < lack.wait.ask_at);
        Rest {
            is_first: answered().all(|lack| self.held[lack.index].is_first(ticket)),
            is_until_answer: answered().count() < lacking.len(),
            clears_at: answered()
                .map(|lack| lack.wait.clears_at)
                .max()
                .unwrap_or(now),
            is_owed,
        }
    }
}

impl Rest {
    /// Keeps what a limit has enough of, or leaves it to whoever comes.
    fn pass(self, need: Need<'_>, ticket: Ticket, held: &mut Held, now: BootTime) {
        let limit = held.limit();
        let is_asked = limit.mode == Mode::Enforce && counts(limit, need);
        let is_soon = self.clears_at <= now.after(limit.terms().validity);
        if is_asked && self.is_first && (is_soon || self.is_owed) {
            held.keep_for(ticket, units(limit, need), self.is_until_answer);
        } else {
            held.leave(ticket);
        }
    }
}

impl Need<'_> {
    const fn waiter(&self) -> Waiter {
        Waiter {
            ticket: self.ticket,
            until: self.until,
            is_patient: self.is_patient,
            yields: false,
        }
    }
}

#[cfg(test)]
mod tests;
