//! Who waits for a limit, in order of arrival.
//!
//! A call holds up those behind it where it can be met while it waits, as far as the database has said, or where what is at hand is enough
//! for it. Any other may hope that something comes back: it holds up nobody meanwhile, or one need that is too large for the day would
//! starve the small ones that there is room for.

use std::collections::{BTreeMap, BTreeSet};

use super::Ticket;
use crate::domain::time::BootTime;

/// Calls that wait for one limit.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: BTreeMap<Ticket, Place>,
    /// Those that can be met in time.
    due: BTreeSet<Ticket>,
    /// The others, by what they need.
    hoping: BTreeSet<(u64, Ticket)>,
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
}

impl Line {
    /// A call stands in line from now on.
    pub(super) fn stand(&mut self, ticket: Ticket, units: u64, until: BootTime) {
        let known = self.places.get(&ticket).filter(|p| p.units == units);
        let clears_at = known.map_or_else(|| self.clears_at(units), |place| place.clears_at);
        self.leave(ticket);
        let place = Place {
            units,
            until,
            clears_at,
        };
        self.places.insert(ticket, place);
        self.file(ticket, place);
    }

    /// A call waits no more.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        if let Some(place) = self.places.remove(&ticket) {
            self.due.remove(&ticket);
            self.hoping.remove(&(place.units, ticket));
        }
    }

    /// Whether a need can be met by then, as far as is known: of a call that stands in line, or would.
    pub(super) fn is_due(&self, ticket: Option<Ticket>, units: u64, until: BootTime) -> bool {
        ticket.map_or_else(
            || self.clears_at(units) <= until,
            |ticket| self.due.contains(&ticket),
        )
    }

    /// Whether somebody who came earlier goes first; `fits` says for which needs enough is at hand.
    pub(super) fn holds_up(
        &self,
        ticket: Option<Ticket>,
        mut fits: impl FnMut(u64) -> bool,
    ) -> bool {
        let is_earlier = |other: Ticket| ticket.is_none_or(|mine| other < mine);
        let mut fitting = self.hoping.iter().take_while(|(units, _)| fits(*units));
        self.due.first().is_some_and(|first| is_earlier(*first))
            || fitting.any(|(_, other)| is_earlier(*other))
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
        if place.clears_at <= place.until {
            self.due.insert(ticket);
        } else {
            self.hoping.insert((place.units, ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    const fn at_hand(units: u64) -> impl Fn(u64) -> bool + Copy {
        move |needed| needed <= units
    }

    #[test]
    fn who_came_first_goes_first_as_long_as_it_can_be_met_in_time() {
        let mut line = Line::default();
        line.stand(1, 8_000, at(50));
        line.stand(2, 10, at(50));
        line.refused(8_000, at(30), at(0));
        assert!(line.holds_up(Some(2), at_hand(10)));
        assert!(line.holds_up(None, at_hand(10)));
        assert!(!line.holds_up(Some(1), at_hand(10)));
        assert_eq!(line.next(at_hand(10)), Some(1));
    }

    #[test]
    fn who_cannot_be_met_in_time_holds_up_nobody() {
        let mut line = Line::default();
        line.stand(1, 1_000, at(20));
        assert!(line.holds_up(None, at_hand(10)));
        line.refused(1_000, at(80_000), at(0));
        line.stand(2, 10, at(20));
        assert!(!line.holds_up(Some(2), at_hand(10)));
        assert_eq!(line.next(at_hand(10)), Some(2));
        // Nor does the next of its kind, nor while others are granted less.
        line.granted(10);
        line.stand(3, 1_000, at(20));
        assert!(!line.is_due(Some(3), 1_000, at(20)));
        assert!(!line.is_due(None, 2_000, at(20)));
        line.leave(2);
        assert!(!line.holds_up(None, at_hand(10)));
    }

    #[test]
    fn what_comes_back_goes_to_who_hoped_first() {
        let mut line = Line::default();
        for ticket in 1..4 {
            line.stand(ticket, 1, at(50));
        }
        line.refused(1, at(64), at(0));
        assert_eq!(line.next(at_hand(0)), Some(1));
        assert!(line.holds_up(None, at_hand(1)));
        assert!(line.holds_up(Some(2), at_hand(1)));
        assert!(!line.holds_up(Some(1), at_hand(1)));
        line.leave(1);
        assert_eq!(line.next(at_hand(1)), Some(2));
    }
}
