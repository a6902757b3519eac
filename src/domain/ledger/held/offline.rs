//! Permits while the database cannot be reached.

use std::time::Duration;

use super::{Draw, Held, Offer, Ticket, Wait, Within};
use crate::domain::ledger::offline::slots::Slot;
use crate::domain::offline::Plan;
use crate::domain::time::BootTime;

/// An ask that has no answer for so long has found nobody: sooner than a call gives up that waits for the answer.
const SILENCE_MAX: Duration = Duration::from_millis(750);

impl Held {
    /// What could be taken now, from a block or, where the database cannot be reached, from this replica's slot.
    pub fn offer_any(
        &mut self,
        units: u64,
        uses: u64,
        ticket: Option<Ticket>,
        slot: Option<Slot>,
        now: BootTime,
    ) -> Offer {
        let offer = self.offer(units, uses, ticket, now);
        let Offer::None(wait) = offer else {
            return offer;
        };
        if !self.is_cut_off(now) {
            return offer;
        }
        let left = self.offline.left(&self.limit, slot, now);
        let fit = left.checked_div(units).unwrap_or(u64::MAX);
        if fit > 0
            && self
                .line
                .holds_up(ticket, |needed| needed <= left)
                .is_none()
        {
            return Offer::Offline(fit.min(uses), Within::of(&self.limit.terms()));
        }
        Offer::None(self.wait_offline(wait, units, slot, now))
    }

    /// Takes from its slot, as offered just before. The database knows nothing of it, so whatever is reported gives nothing back.
    pub fn take_offline(
        &mut self,
        units: u64,
        uses: u64,
        slot: Option<Slot>,
        now: BootTime,
    ) -> Option<Draw> {
        let fits = self.is_cut_off(now) && uses <= self.offline.uses(&self.limit, units, slot, now);
        fits.then(|| {
            self.offline.take(&self.limit, units * uses, now);
            Draw::of_no_block(units)
        })
    }

    /// The ledger leaves its share alone, as it said at `now` or later.
    pub fn ripened(&mut self, plan: Plan, now: BootTime) {
        self.offline.ripened(plan, now);
    }

    /// What the ledger said of the share may be forgotten.
    pub const fn unripen(&mut self) {
        self.offline.unripen();
    }

    /// Whether the ledger has to be asked for the share.
    #[must_use]
    pub fn is_unripe(&self) -> bool {
        self.limit.offline.is_some() && self.offline.is_unripe(&self.limit)
    }

    /// Units that could be handed out now if the database could not be reached.
    pub fn left_offline(&mut self, slot: Option<Slot>, now: BootTime) -> u64 {
        self.offline.left(&self.limit, slot, now)
    }

    /// The database did not answer, or has not for long.
    fn is_cut_off(&self, now: BootTime) -> bool {
        let is_silent = self.reserving && now.since(self.asked_at) >= SILENCE_MAX;
        self.refusals.is_unreachable() || is_silent
    }

    /// Permits may be there sooner than the database.
    fn wait_offline(&self, wait: Wait, units: u64, slot: Option<Slot>, now: BootTime) -> Wait {
        let free_at = self.offline.free_at(&self.limit, units, slot, now);
        Wait {
            clears_at: free_at.map_or(wait.clears_at, |at| at.max(now)),
            ..wait
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ledger::example::limit;
    use crate::domain::limit::{Dimension, Limit};
    use crate::domain::offline::OfflineShare;

    #[test]
    fn a_share_that_was_another_meanwhile_is_asked_for_again() {
        let of = |rev: i64, share: Option<OfflineShare>| {
            let limit = limit(1, Dimension::Requests, 100, Duration::from_mins(1));
            Arc::new(Limit {
                rev,
                offline: share,
                ..limit
            })
        };
        let share = OfflineShare {
            percent: 50,
            slots: 2,
            outage_max: Duration::from_secs(10),
        };
        let mut held = Held::new(of(1, Some(share)));
        let plan = held.limit().offline_plan().unwrap();
        held.ripened(plan, BootTime::from_nanos(1));
        held.reconfigure(of(2, Some(share)));
        assert!(!held.is_unripe(), "it is the same");
        held.reconfigure(of(3, None));
        held.reconfigure(of(4, Some(share)));
        assert!(held.is_unripe());
    }
}
