//! What happened in a run.

/// What happened, by kind.
#[derive(Debug, Default)]
pub(super) struct Did {
    pub(super) changes: usize,
    pub(super) leases: u64,
    pub(super) refusals: u64,
    pub(super) reports: u64,
    pub(super) deaths: u64,
    pub(super) cooldowns: u64,
    pub(super) parts: u64,
    pub(super) foreign: u64,
    pub(super) again: u64,
    pub(super) renewals: u64,
    pub(super) revivals: u64,
    pub(super) waits: u64,
}

impl Did {
    /// A run in which something never happened says nothing about it.
    pub(super) fn everything(&self) {
        let counts = [
            self.leases,
            self.reports,
            self.deaths,
            self.cooldowns,
            self.parts,
            self.foreign,
            self.again,
            self.renewals,
            self.revivals,
            self.waits,
        ];
        assert!(
            self.changes > 0 && counts.iter().all(|count| *count > 0),
            "{self:?}"
        );
    }
}
