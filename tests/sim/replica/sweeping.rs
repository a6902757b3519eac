//! What a replica tells after a loss.

use super::*;

impl Replica {
    /// After a heartbeat: tells what was granted to it alone, and lets limits answer to what was lost.
    pub(crate) fn sweep(&mut self, database: &mut Database, sent: BootTime, time: Time) {
        let lossy = database.lossy(self.boot_id);
        let untold = match self.bug {
            Some(Bug::SilentSweep) => Vec::new(),
            _ => self.budget.untold(lossy, self.clock.at(time)),
        };
        if database.sweep(&untold, &self.client(sent, time), time) {
            let limits = untold.iter().map(|work| work.limit);
            limits.for_each(|limit| self.budget.told(limit, lossy));
        }
    }
}
