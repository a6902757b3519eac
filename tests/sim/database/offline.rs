//! Slots, and what the ledger says of offline shares.

use keylease::domain::ledger::page::Terming;
use keylease::domain::offline::Plan;

use super::*;

/// More than any scenario has replicas.
const SLOTS: u32 = 8;

/// Nobody has any yet.
pub(super) fn slots() -> Vec<SlotRow> {
    let slot = |slot| SlotRow {
        slot,
        owner: None,
        beats: 0,
        reach: std::time::Duration::ZERO,
    };
    (0..SLOTS).map(slot).collect()
}

impl Database {
    /// The limits as configured.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        let rows = self.state.limits.values().filter(|row| !row.is_deleted);
        rows.map(|row| row.limit.clone()).collect()
    }
}

impl Row {
    /// What replicas may serve by.
    pub(super) fn ripe(&self) -> Option<Plan> {
        let offline = self.entry.offline;
        let is_ripe = offline.is_ripe(self.entry.clocks.low);
        is_ripe.then_some(offline.plan)
    }

    pub(super) fn terming(&self, now: Timestamp) -> Terming {
        Terming {
            amount: self.limit.amount,
            mode: self.limit.mode,
            terms: self.limit.terms(),
            offline: self.plan(),
            now,
        }
    }

    fn plan(&self) -> Plan {
        let terms = self.limit.terms();
        let plan = self.limit.offline_plan();
        plan.unwrap_or_else(|| Plan::none(&terms))
    }

    /// The bug that grants what replicas may serve who have not heard that it is theirs no more.
    pub(super) fn forget_the_larger_share(&mut self) {
        let plan = self.plan();
        if plan.units() < self.entry.offline.plan.units() {
            self.entry.offline.plan = plan;
        }
        self.entry.offline.kept = None;
    }
}
