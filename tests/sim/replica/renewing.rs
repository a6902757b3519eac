//! What a replica makes of a lease that goes on.

use std::time::Duration;

use keylease::domain::ledger::held::Renewed;
use keylease::domain::ledger::holds::renewed_number;
use keylease::domain::ledger::renewal::Renewal;

use super::*;

impl Replica {
    /// What a lease holds of limits whose permits are held.
    pub(crate) fn holdings(&self, given: &Given) -> Vec<Renewal> {
        let is_held = |uid: Uuid| {
            let limit = self.limits.iter().find(|limit| limit.uid == uid);
            limit.is_some_and(|limit| limit.span.is_held())
        };
        let drawn = given.draws().iter().enumerate();
        let held = drawn.filter(|(_, (limit, _))| is_held(*limit));
        held.map(|(index, (limit, draw))| Renewal {
            limit: *limit,
            draw: *draw,
            number: renewed_number(given.serial, index),
            units: draw.units * given.granted,
            granted: given.granted,
        })
        .collect()
    }

    /// A lease of this replica has a charge of its own from now on. False if it holds nothing any more.
    pub(crate) fn goes_on(&mut self, given: &Given, report_within: Duration, time: Time) -> bool {
        let now = self.clock.at(time);
        self.reports.prolong(given.serial, now.after(report_within));
        let granted = u32::try_from(given.granted).unwrap();
        let left = u64::from(self.reports.left(given.serial, granted));
        let is_void = self.bug == Some(Bug::NewsTooLate) && !self.budget.holds(given.draws());
        let left = if is_void { 0 } else { left };
        let renewed = |holding: Renewal| {
            let renewed = Renewed {
                draw: holding.draw,
                number: holding.number,
                units: holding.units,
                left: holding.draw.units * left,
                report_within,
                now,
            };
            (holding.limit, renewed)
        };
        let renewed: Vec<_> = self.holdings(given).into_iter().map(renewed).collect();
        self.budget.renewed(&renewed)
    }
}
