//! What reports and renewals do to the permits of their lease.

use uuid::Uuid;

use super::Budget;
use crate::domain::ledger::block::{Draw, Ending};
use crate::domain::ledger::held::{Held, Renewed};
use crate::domain::ledger::settle::{Lease, Part};
use crate::domain::time::BootTime;

impl Budget {
    /// Settles what a report says of one lease; `ending` comes with the last one.
    pub fn settle(&mut self, lease: Lease<'_>, parts: &[Part], ending: Option<Ending>) {
        let uses = parts.iter().map(|part| part.uses);
        let uses = uses.fold(0, u64::saturating_add);
        // One report settles all of it: where that is known to have happened, whoever says so again has forgotten it.
        let is_whole = ending.is_some() && uses >= lease.granted;
        for held in &mut self.held {
            let draw = lease.draws.iter().find(|(uid, _)| *uid == held.limit().uid);
            let draw = draw.map(|(_, draw)| *draw);
            if held.limit().span.is_held() {
                draw.into_iter().for_each(|draw| held.report(draw, uses));
                continue;
            }
            // Of a shadow nothing was drawn where nobody had said what a use costs: what it came to counts.
            if draw.is_none() && !held.limit().applies_to(lease.model) {
                continue;
            }
            if is_whole && draw.is_some_and(|draw| held.is_settled(draw)) {
                continue;
            }
            let dimension = held.limit().dimension;
            let mut back = 0_u64;
            for part in parts {
                let drawn = draw.map_or(0, |draw| draw.units);
                let (less, more) = part.difference(dimension, drawn);
                held.charge_more(more);
                back = back.saturating_add(less);
            }
            let Some(draw) = draw else { continue };
            held.settle(draw.block, |use_of| {
                use_of.settle(draw.ordinal);
                use_of.give_back(back);
                if let Some(ending) = ending {
                    use_of.end(ending);
                }
            });
        }
    }

    /// A lease was not given after all.
    pub fn undo(&mut self, draws: &[(Uuid, Draw)], uses: u64) {
        let lease = Lease {
            draws,
            model: None,
            granted: uses,
        };
        let part = Part::not_sent(uses);
        let ending = Ending {
            is_sure: true,
            started_by: BootTime::default(),
        };
        self.settle(lease, &[part], Some(ending));
    }

    /// Whether anything of these draws is held.
    #[must_use]
    pub fn holds(&self, draws: &[(Uuid, Draw)]) -> bool {
        let held = |(uid, draw): &(Uuid, Draw)| {
            let held = self.held.iter().find(|h| h.limit().uid == *uid);
            held.is_some_and(|held| held.holds(*draw))
        };
        draws.iter().any(held)
    }

    /// A lease goes on with a charge of its own in each of these limits. False if all of it has been reported: the charges go back.
    pub fn renewed(&mut self, renewals: &[(Uuid, Renewed)]) -> bool {
        let mut goes_on = true;
        for (limit, renewed) in renewals {
            let held: Option<&mut Held> = self.find(*limit);
            goes_on &= held.is_none_or(|held| held.renewed(*renewed) || held.only_counts());
        }
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::ledger::example::{granted, limit};
    use crate::domain::limit::Dimension;

    #[test]
    fn what_one_report_has_settled_another_gives_back_no_more() {
        let now = BootTime::from_nanos(1_000_000_000);
        let limit = limit(1, Dimension::Tokens, 100, Duration::from_mins(1));
        let mut budget = Budget::default();
        budget.reconfigure(&[Arc::new(limit.clone())]);
        budget.answered(limit.uid, &granted(&limit, 1, 100, now), now);
        let held: &mut Held = budget.find(limit.uid).unwrap();
        let mut draw = || {
            let drawn = held.take(10, 2, None, Duration::from_mins(1), now);
            vec![(limit.uid, drawn.unwrap())]
        };
        let (first, second) = (draw(), draw());
        assert_eq!(budget.available(limit.uid), 60);
        budget.undo(&first, 2);
        assert_eq!(budget.available(limit.uid), 80);
        budget.undo(&first, 2);
        assert_eq!(budget.available(limit.uid), 80);
        budget.undo(&second, 2);
        assert_eq!(budget.available(limit.uid), 100);
    }
}
