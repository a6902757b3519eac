//! What is charged, and which of it becomes one row: as over SQL.

use keylease::domain::ledger::merging::{self, Merging};

use super::*;

/// How often a row is written while a transaction waits for it, and more.
const CHARGED_KEPT: usize = 400;

impl Database {
    pub(super) fn note_charged(&mut self, works: &[Work], time: Time) {
        if !matches!(self.bug, Some(Bug::ReadBeforeLock | Bug::RepeatableRead)) {
            return;
        }
        for work in works {
            if let Some(row) = self.state.limits.get_mut(&work.limit) {
                row.note_charged(time);
            }
        }
    }
}

impl Row {
    pub(super) fn charged(&self, low: Timestamp) -> Charged {
        let charged = || self.blocks.values().filter(|b| b.charge_until > low);
        let open = charged().filter(|b| !b.closed);
        let heard = merging::heard(low);
        let over = charged().filter(|b| b.is_over(heard));
        let unheard = charged().filter(|b| b.closed && !b.is_over(heard));
        Charged {
            last_end: charged().map(|b| b.charge_until).max(),
            units: charged().map(|b| b.units).sum(),
            next_close: open
                .filter_map(|b| b.open_until)
                .filter(|at| *at > low)
                .min(),
            rows: charged().count() as u64,
            over: over.count() as u64,
            unheard: unheard.count() as u64,
        }
    }

    /// What was charged at some time.
    pub(super) fn charged_at(&self, time: Time) -> Charged {
        let mut written = self.charged.iter().rev();
        let last = written.find(|(at, _)| *at <= time);
        last.map(|(_, charged)| *charged).unwrap_or_default()
    }

    fn note_charged(&mut self, time: Time) {
        let charged = self.charged(self.entry.clocks.low);
        self.charged.push_back((time, charged));
        while self.charged.len() > CHARGED_KEPT {
            self.charged.pop_front();
        }
    }

    pub(super) fn old(&self, merging: &Merging) -> Vec<merging::Row> {
        let rows = || self.blocks.iter();
        let mut over: Vec<_> = rows().filter(|(_, b)| b.is_over(merging.heard)).collect();
        over.sort_unstable_by_key(|(_, b)| b.charge_until);
        over.truncate(usize::try_from(merging.over).unwrap());
        let unheard = rows().filter(|(_, b)| b.closed && !b.is_over(merging.heard));
        let mut unheard: Vec<_> = unheard.collect();
        unheard.sort_unstable_by_key(|(_, b)| b.open_until);
        unheard.truncate(usize::try_from(merging.unheard).unwrap());
        let row = |(id, block): (&Uuid, &Stored)| merging::Row {
            block_id: *id,
            units: block.units,
            charge_until: block.charge_until,
            grant_number: block.grant_number,
        };
        over.into_iter().chain(unheard).map(row).collect()
    }
}

impl Stored {
    fn is_over(&self, heard: Timestamp) -> bool {
        self.ended
            || self
                .open_until
                .is_some_and(|open_until| open_until <= heard)
    }
}
