//! One limit as one replica serves it from its slot while the database cannot be reached.

use std::time::Duration;

use super::slots::Slot;
use super::window::LocalWindow;
use crate::domain::limit::Limit;
use crate::domain::offline::{Plan, window_local};
use crate::domain::time::BootTime;

/// What was served, and by what.
#[derive(Debug, Default)]
pub struct Serving {
    window: LocalWindow,
    /// What the ledger said it leaves alone, and since when this replica knows.
    ripe: Option<(Plan, BootTime)>,
    /// Units handed out since that was last asked.
    counted: u64,
}

impl Serving {
    /// The ledger leaves this alone, and nothing else is served any more, as it said at `now` or later.
    pub fn ripened(&mut self, plan: Plan, now: BootTime) {
        if self.ripe.is_none_or(|(known, _)| known != plan) {
            self.ripe = Some((plan, now));
        }
    }

    /// What the ledger said may be forgotten.
    pub const fn unripen(&mut self) {
        self.ripe = None;
    }

    /// Whether the ledger has to be asked.
    #[must_use]
    pub fn is_unripe(&self, limit: &Limit) -> bool {
        limit.offline_plan() != self.ripe.map(|(plan, _)| plan)
    }

    /// How many uses of `units` each the slot has left, and how long after asking they may start.
    pub fn uses(&mut self, limit: &Limit, units: u64, slot: Option<Slot>, now: BootTime) -> u64 {
        let left = self.left(limit, slot, now);
        left.checked_div(units).unwrap_or(u64::MAX)
    }

    /// Units that the slot has left now: none where this replica may not serve from one.
    pub fn left(&mut self, limit: &Limit, slot: Option<Slot>, now: BootTime) -> u64 {
        let length = window_local(&limit.terms());
        let Some(plan) = slot.and_then(|slot| self.plan(limit, slot, length, now)) else {
            return 0;
        };
        plan.slot_units
            .saturating_sub(self.window.used(length, now))
    }

    /// Hands out.
    pub fn take(&mut self, limit: &Limit, units: u64, now: BootTime) {
        self.window.add(units, window_local(&limit.terms()), now);
        self.counted = self.counted.saturating_add(units);
    }

    /// When so many units are free, if the database stays away.
    #[must_use]
    pub fn free_at(
        &self,
        limit: &Limit,
        units: u64,
        slot: Option<Slot>,
        now: BootTime,
    ) -> Option<BootTime> {
        let length = window_local(&limit.terms());
        let slot = slot?;
        let plan = self.plan(limit, slot, length, now)?;
        let free_at = self.window.free_at(units, plan.slot_units, length)?;
        let outage_max = limit.offline?.outage_max;
        (free_at < slot.ends(outage_max)).then_some(free_at)
    }

    /// Units handed out since this was last asked.
    pub fn count(&mut self) -> u64 {
        std::mem::take(&mut self.counted)
    }

    /// What may be served by at `now`, if anything.
    fn plan(&self, limit: &Limit, slot: Slot, length: Duration, now: BootTime) -> Option<Plan> {
        let share = limit.offline?;
        let (plan, known) = self.ripe?;
        // What this process has served of a limit that was deleted meanwhile is not remembered; it is over after one window.
        let serves = now >= known.after(slot.settle.max(length))
            && limit.offline_plan() == Some(plan)
            && slot.slot < plan.slots
            && plan.reach <= slot.reach
            && now < slot.ends(share.outage_max);
        serves.then_some(plan)
    }
}

impl Slot {
    /// When it is served from no more, unless renewed.
    #[must_use]
    pub fn ends(&self, outage_max: Duration) -> BootTime {
        self.renewed.min(self.read).after(outage_max)
    }
}
