//! How a replica ends in order.

use super::*;
use crate::world::entries;

/// How far a replica has come with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It gives no leases, and takes reports.
    Draining,
    /// It answers nobody, and hears what it has said.
    Closing,
    /// It has said its last.
    Closed,
}

impl Replica {
    /// No new leases from now on.
    pub(crate) fn drain(&mut self) {
        self.end = Some(End::Draining);
        self.forsake_all();
    }

    /// Nothing is begun any more.
    pub(crate) fn close(&mut self) {
        self.end = Some(End::Closing);
    }

    /// Whether it can be spoken to.
    pub(crate) fn is_there(&self) -> bool {
        self.is_alive && !self.is_closing()
    }

    /// Whether it begins nothing any more.
    pub(crate) const fn is_closing(&self) -> bool {
        matches!(self.end, Some(End::Closing | End::Closed))
    }

    /// What it keeps in memory, all of it in production collections.
    pub(crate) fn entries(&self) -> usize {
        let permits = self.account.with_budget_quietly(|b| entries(b)) + entries(&self.live.clock);
        let reports = entries(&self.reports) + entries(&self.foreign) + entries(&self.outbox);
        let calls = entries(&self.calls.replays) + entries(&self.calls.replayed);
        permits + reports + calls
    }
}
