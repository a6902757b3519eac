//! What a replica tells after a loss.

use uuid::Uuid;

use super::Budget;
use crate::domain::ledger::work::Work;
use crate::domain::time::BootTime;

impl Budget {
    /// What has to be said of what was granted before a lossy incarnation, where it is more than all limits answer for.
    #[must_use]
    pub fn untold(&self, incarnation: i64, now: BootTime) -> Vec<Work> {
        let untold = self.held.iter().map(|held| held.untold(incarnation, now));
        untold.flatten().collect()
    }

    /// It was said of this limit, and is committed.
    pub fn told(&mut self, limit: Uuid, incarnation: i64) {
        if let Some(held) = self.find(limit) {
            held.told(incarnation);
        }
    }
}
