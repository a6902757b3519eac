//! Reports, and news of renewals, on their way to the replicas that gave the leases.

use super::*;

impl Database {
    /// Reports for these issuers are on their way.
    pub(crate) fn send(&mut self, reports: Vec<(Uuid, Vec<u8>)>) {
        for report in reports {
            self.state.reports_sent += 1;
            self.state.reports.insert(self.state.reports_sent, report);
        }
    }

    /// Takes those for one issuer.
    pub(crate) fn take(&mut self, boot_id: Uuid) -> Vec<Vec<u8>> {
        let of_issuer = |_: &i64, (issuer, _): &mut (Uuid, Vec<u8>)| *issuer == boot_id;
        let taken = self.state.reports.extract_if(.., of_issuer);
        taken.map(|(_, (_, report))| report).collect()
    }

    /// A replica ends.
    pub(crate) fn leave(&mut self, boot_id: Uuid) {
        self.state.replicas.remove(&boot_id);
    }

    /// Rows.
    pub(crate) fn entries(&self) -> usize {
        let state = &self.state;
        let blocks = state.limits.values().map(|row| row.blocks.len());
        let others = [
            state.replicas.len(),
            state.reports.len(),
            state.settled.len(),
        ];
        blocks.chain(others).sum()
    }
}
