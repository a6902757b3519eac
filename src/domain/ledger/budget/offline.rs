//! What is served of these limits while the database cannot be reached.

use uuid::Uuid;

use super::Budget;
use crate::domain::ledger::held::Held;
use crate::domain::ledger::offline::slots::Slot;
use crate::domain::offline::Plan;
use crate::domain::time::BootTime;

impl Budget {
    /// Limits of whose offline share the ledger has to be asked.
    pub fn unripe(&self) -> impl Iterator<Item = Uuid> {
        let unripe = self.held.iter().filter(|held| held.is_unripe());
        unripe.map(|held| held.limit().uid)
    }

    /// The ledger leaves this share of a limit alone, as it said at `now` or later.
    pub fn ripened(&mut self, limit: Uuid, plan: Plan, now: BootTime) {
        let held: Option<&mut Held> = self.find(limit);
        if let Some(held) = held {
            held.ripened(plan, now);
        }
    }

    /// The database is another: what it said of offline shares may be forgotten.
    pub fn unripen(&mut self) {
        self.held.iter_mut().for_each(Held::unripen);
    }

    /// Units of a limit that could be handed out from the slot, if the database could not be reached now.
    pub fn left_offline(&mut self, limit: Uuid, slot: Option<Slot>, now: BootTime) -> u64 {
        self.find(limit)
            .map_or(0, |held| held.left_offline(slot, now))
    }
}
