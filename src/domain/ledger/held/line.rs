//! Who waits for a limit, in order of arrival.
//!
//! A call holds up those behind it where it can be met while it waits, as far as the database has said, or where what is at hand is enough
//! for it. Any other may hope that something comes back: it holds up nobody meanwhile, or one need that is too large for the day would
//! starve the small ones that there is room for. So does a call that waits longer for another limit, until it could have been served.
//!
//! Whoever has enough here and waits for another limit stands in line no more; but what it needs may be kept for it, from those that came
//! later.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ticket, Waiter};
use crate::domain::time::BootTime;

/// Calls that wait for one limit.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: BTreeMap<Ticket, Place>,
    /// Those that can be met in time.
    due: BTreeSet<Ticket>,
    /// The others, by what they need.
    hoping: BTreeSet<(u64, Ticket)>,
    /// Those that have enough here, and wait for another limit.
    kept: BTreeMap<Ticket, Kept>,
    /// What was refused last for long: so many units and more are not free before then.
    refused: (u64, BootTime),
}

/// A call that waits.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// What one use needs.
    units: u64,
    /// For how long it waits.
    until: BootTime,
    /// When that is free, as far as the database has said.
    clears_at: BootTime,
    /// It waits longer for another limit.
    yields: bool,
    is_patient: bool,
}

/// What is kept for a call.
#[derive(Debug, Clone, Copy)]
struct Kept {
    units: u64,
    /// All that it waits for elsewhere is an answer.
    is_until_answer: bool,
}

/// What the first in line needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First {
    /// Units of one use.
    pub(super) units: u64,
    /// It waits for permits to come, not just for the answer that is on its way.
    pub(super) is_patient: bool,
}

impl Line {
    /// A call stands in line from now on.
    pub(super) fn stand(&mut self, ticket: Ticket, units: u64, waiter: Waiter) {
        let known = self.places.get(&ticket).filter(|p| p.units == units);
        let clears_at = known.map_or_else(|| self.clears_at(units), |place| place.clears_at);
        self.leave(ticket);
        let place = Place {
            units,
            until: waiter.until,
            clears_at,
            yields: waiter.yields,
            is_patient: waiter.is_patient,
        };
        self.places.insert(ticket, place);
        self.file(ticket, place);
    }

    /// A call waits no more.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.kept.remove(&ticket);
        if let Some(place) = self.places.remove(&ticket) {
            self.due.remove(&ticket);
            self.hoping.remove(&(place.units, ticket));
        }
    }

    /// A call has enough here: it leaves the line, but this is kept for it.
    pub(super) fn keep(&mut self, ticket: Ticket, units: u64, is_until_answer: bool) {
        self.leave(ticket);
        let kept = Kept {
            units,
            is_until_answer,
        };
        self.kept.insert(ticket, kept);
    }

    /// What is kept for those that came before a call.
    pub(super) fn kept_before(&self, ticket: Option<Ticket>) -> impl Iterator<Item = u64> {
        let before = self.kept.iter();
        let before = before.take_while(move |(other, _)| is_earlier(**other, ticket));
        before.map(|(_, kept)| kept.units)
    }

    /// Another limit has answered.
    pub(super) fn keep_no_more_until_answer(&mut self) {
        self.kept.retain(|_, kept| !kept.is_until_answer);
    }

    /// For how many calls something is kept.
    pub(super) fn keeps(&self) -> usize {
        self.kept.len()
    }

    /// Nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Who goes first of those that can be met in time.
    pub(super) fn first_due(&self) -> Option<First> {
        let place = self.places.get(self.due.first()?)?;
        Some(First {
            units: place.units,
            is_patient: place.is_patient,
        })
    }

    /// Whether a call does.
    pub(super) fn is_first(&self, ticket: Ticket) -> bool {
        self.due.first() == Some(&ticket)
    }

    /// Whether a need can be met by then, as far as is known: of a call that stands in line, or would.
    pub(super) fn is_due(&self, ticket: Option<Ticket>, units: u64, until: BootTime) -> bool {
        ticket.map_or_else(
            || self.clears_at(units) <= until,
            |ticket| self.due.contains(&ticket),
        )
    }

    /// What somebody needs who came earlier and goes first; `fits` says for which needs enough is at hand.
    pub(super) fn holds_up(
        &self,
        ticket: Option<Ticket>,
        fits: impl Fn(u64) -> bool,
    ) -> Option<u64> {
        let due = self.due.first().copied();
        let due = due.filter(|other| is_earlier(*other, ticket));
        let due = due.and_then(|other| self.places.get(&other));
        let mut fitting = self.hoping.iter().take_while(|(units, _)| fits(*units));
        let fitting = fitting.find(|(_, other)| is_earlier(*other, ticket));
        due.map(|place| place.units)
            .or(fitting.map(|(units, _)| *units))
    }

    /// Who is worth waking.
    pub(super) fn next(&self, fits: impl Fn(u64) -> bool) -> Option<Ticket> {
        let fitting = self.hoping.iter().take_while(|(units, _)| fits(*units));
        let fitting = fitting.map(|(_, ticket)| *ticket);
        let next = self.due.first().copied().into_iter().chain(fitting).min();
        next.or_else(|| self.places.keys().next().copied())
    }

    /// The database granted so many units, or more.
    pub(super) fn granted(&mut self, need: u64) {
        if self.refused.0 <= need {
            self.refused = (0, BootTime::default());
        }
        self.learn(|place| {
            if place.units <= need {
                place.clears_at = BootTime::default();
            }
        });
    }

    /// The database refused so many units, which are free at that time: more are not before.
    pub(super) fn refused(&mut self, need: u64, clears_at: BootTime, now: BootTime) {
        let (known, until) = self.refused;
        if need == known || clears_at >= until || until <= now {
            self.refused = (need, clears_at);
        }
        self.learn(|place| {
            if place.units == need {
                place.clears_at = clears_at;
            } else if place.units > need {
                place.clears_at = place.clears_at.max(clears_at);
            }
        });
    }

    fn clears_at(&self, units: u64) -> BootTime {
        let (refused, until) = self.refused;
        if units >= refused {
            until
        } else {
            BootTime::default()
        }
    }

    fn learn(&mut self, change: impl Fn(&mut Place)) {
        self.places.values_mut().for_each(change);
        self.due.clear();
        self.hoping.clear();
        let places: Vec<_> = self.places.iter().map(|(t, p)| (*t, *p)).collect();
        for (ticket, place) in places {
            self.file(ticket, place);
        }
    }

    fn file(&mut self, ticket: Ticket, place: Place) {
        if place.clears_at <= place.until && !place.yields {
            self.due.insert(ticket);
        } else {
            self.hoping.insert((place.units, ticket));
        }
    }
}

/// Whether one came earlier than a call with this place in line, if it has one.
fn is_earlier(other: Ticket, ticket: Option<Ticket>) -> bool {
    ticket.is_none_or(|mine| other < mine)
}

#[cfg(test)]
mod tests;
