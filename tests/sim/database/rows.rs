//! The blocks of one limit.

use super::*;

impl Row {
    pub(super) fn frees(&self, lacking: u64, low: Timestamp) -> Option<Timestamp> {
        let charged = self.blocks.values().filter(|b| b.charge_until > low);
        let mut ends: Vec<_> = charged.map(|b| (b.charge_until, b.units)).collect();
        ends.sort_unstable();
        let mut ended = 0;
        ends.into_iter().find_map(|(until, units)| {
            ended += units;
            (ended >= lacking).then_some(until)
        })
    }

    pub(super) fn insert(&mut self, block: &NewBlock) {
        let stored = Stored {
            units: block.units,
            charge_until: block.charge_until,
            open_until: block.open_until,
            closed: block.open_until.is_none(),
            ended: block.open_until.is_none(),
            grant_number: block.grant_number,
            settled: Vec::new(),
            epoch: 0,
            stated: block.units,
        };
        let known = self.blocks.insert(block.block_id, stored);
        assert!(known.is_none(), "a block id came twice");
    }
}
