//! Calls that wait for what is said to be left of budgets, in order of arrival over all pools: a line for each place that lacks something.
//!
//! As in the line of a limit, whoever came first goes first. Unlike there, all of a line wait for one moment that is known: so the first
//! alone looks again then, and those behind it are woken as they move up. Whoever needs more than is left, where others do not, yields to
//! them until more comes, and looks again by itself.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::ledger::held::Ticket;

/// Where too little is left, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The model, or what stands for it; empty where the budget is of the whole account.
    pub place: String,
    /// The caller that alone is bound by that; `None` where everybody is.
    pub bound: Option<Uuid>,
}

/// Calls that wait: each in one line, that of what it lacks for longest.
#[derive(Debug, Default)]
pub struct Lines(Vec<Line>);

#[derive(Debug)]
struct Line {
    lacking: Lacking,
    /// Never empty. Each with whether it yields to smaller needs until it has looked again.
    waiting: BTreeMap<Ticket, bool>,
}

impl Line {
    /// Who goes first of those that do not yield.
    fn first(&self) -> Option<Ticket> {
        let mut waiting = self.waiting.iter();
        let first = waiting.find(|(_, yields)| !**yields);
        first.map(|(ticket, _)| *ticket)
    }
}

impl Lacking {
    /// Whether a call of this caller that may be barred at these places needs it.
    fn concerns(&self, places: [&str; 2], caller: Uuid) -> bool {
        let is_bound = self.bound.is_none_or(|bound| bound == caller);
        is_bound && places.contains(&self.place.as_str())
    }
}

impl Lines {
    /// Nobody waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A call stands in this line from now on, and in no other, and yields to smaller needs or not. Answers who has moved up by that.
    pub fn stand(&mut self, ticket: Ticket, lacking: Lacking, yields: bool) -> Option<Ticket> {
        let mut lines = self.0.iter_mut();
        let same = lines.find(|line| line.waiting.contains_key(&ticket) && line.lacking == lacking);
        if let Some(line) = same {
            let before = line.first();
            line.waiting.insert(ticket, yields);
            let first = line.first().filter(|first| *first != ticket);
            return first.filter(|_| before == Some(ticket));
        }
        let moved = self.leave(ticket);
        match self.0.iter_mut().find(|line| line.lacking == lacking) {
            Some(line) => drop(line.waiting.insert(ticket, yields)),
            None => self.0.push(Line {
                lacking,
                waiting: BTreeMap::from([(ticket, yields)]),
            }),
        }
        moved
    }

    /// A call waits no more. Answers who has moved up to the front by that.
    pub fn leave(&mut self, ticket: Ticket) -> Option<Ticket> {
        let mut lines = self.0.iter_mut();
        let index = lines.position(|line| line.waiting.contains_key(&ticket))?;
        let line = &mut self.0[index];
        let was_first = line.first() == Some(ticket);
        line.waiting.remove(&ticket);
        let first = line.first();
        if line.waiting.is_empty() {
            self.0.swap_remove(index);
        }
        first.filter(|_| was_first)
    }

    /// What somebody waits for who goes before a call with this place in line; `None`: it has just arrived.
    #[must_use]
    pub fn holds_up(
        &self,
        places: [&str; 2],
        caller: Uuid,
        ticket: Option<Ticket>,
    ) -> Option<&Lacking> {
        let is_earlier = |other: Ticket| ticket.is_none_or(|mine| other < mine);
        let concerns = |line: &&Line| line.lacking.concerns(places, caller);
        let mut lines = self.0.iter().filter(concerns);
        let line = lines.find(|line| line.first().is_some_and(is_earlier));
        line.map(|line| &line.lacking)
    }

    /// Whether a call goes first in its line.
    #[must_use]
    pub fn is_first(&self, ticket: Ticket) -> bool {
        self.0.iter().any(|line| line.first() == Some(ticket))
    }

    /// Who goes first, line by line, and who yields: all that look again by themselves.
    pub fn firsts(&self) -> impl Iterator<Item = Ticket> {
        self.0.iter().flat_map(|line| {
            let yielding = line.waiting.iter().filter(|(_, yields)| **yields);
            let yielding = yielding.map(|(ticket, _)| *ticket);
            line.first().into_iter().chain(yielding)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn lacking(place: &str, bound: Option<Uuid>) -> Lacking {
        Lacking {
            place: place.to_owned(),
            bound,
        }
    }

    #[test]
    fn whoever_came_first_holds_up_those_that_need_the_same() {
        let mut lines = Lines::default();
        assert_eq!(lines.stand(7, lacking("m", None), false), None);
        assert_eq!(lines.stand(3, lacking("m", None), false), None);
        let holds_up = |ticket| lines.holds_up(["", "m"], OTHER, ticket).is_some();
        assert!(holds_up(None) && holds_up(Some(7)) && !holds_up(Some(3)));
        assert!(!holds_up(Some(2)));
        assert_eq!(lines.holds_up(["", "n"], OTHER, None), None);
        assert!(lines.is_first(3) && !lines.is_first(7));
    }

    #[test]
    fn what_binds_one_caller_holds_up_nobody_else() {
        let mut lines = Lines::default();
        lines.stand(1, lacking("", Some(CALLER)), false);
        assert_eq!(lines.holds_up(["", "m"], OTHER, None), None);
        assert!(lines.holds_up(["", "m"], CALLER, None).is_some());
    }

    #[test]
    fn who_leaves_the_front_lets_the_next_move_up_and_who_stands_elsewhere_does_too() {
        let mut lines = Lines::default();
        for ticket in 1..=3 {
            lines.stand(ticket, lacking("m", None), false);
        }
        assert_eq!(lines.leave(2), None);
        assert_eq!(lines.stand(1, lacking("m", None), false), None);
        assert_eq!(lines.stand(1, lacking("", None), false), Some(3));
        assert_eq!(lines.leave(3), None);
        assert_eq!(lines.leave(1), None);
        assert!(lines.is_empty());
    }

    #[test]
    fn who_needs_more_than_is_left_holds_up_no_smaller_need_and_looks_again_by_itself() {
        let mut lines = Lines::default();
        lines.stand(1, lacking("m", None), true);
        assert_eq!(lines.holds_up(["", "m"], OTHER, None), None);
        lines.stand(2, lacking("m", None), false);
        assert!(lines.is_first(2) && !lines.is_first(1));
        assert_eq!(lines.firsts().collect::<Vec<_>>(), [2, 1]);
        // Nothing is left at all now: it goes first again; then there is more, but too little for it.
        assert_eq!(lines.stand(1, lacking("m", None), false), None);
        assert!(lines.is_first(1) && lines.holds_up(["", "m"], OTHER, Some(2)).is_some());
        assert_eq!(lines.stand(1, lacking("m", None), true), Some(2));
        assert_eq!(lines.leave(1), None);
        assert_eq!(lines.leave(2), None);
        assert!(lines.is_empty());
    }
}
