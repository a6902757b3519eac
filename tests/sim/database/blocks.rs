//! The blocks of a limit, one statement at a time.

use keylease::domain::ledger::losable::Lately;
use keylease::domain::ledger::outlast::Outlasting;
use keylease::domain::ledger::page::{NewBlock, Stated};

use super::*;

impl Database {
    pub(super) fn block(&mut self, id: Uuid) -> Option<&mut Stored> {
        let mut rows = self.state.limits.values_mut();
        rows.find_map(|row| row.blocks.get_mut(&id))
    }
}

impl Row {
    /// Of a limit that is new.
    pub(super) fn born(limit: &Limit, born: Timestamp) -> Self {
        Self {
            limit: limit.clone(),
            is_deleted: false,
            entry: Entry {
                clocks: Clocks {
                    high: born,
                    low: born,
                },
                reach: Reach::NONE,
                grant_number: 0,
                incarnation: 0,
                frozen_until: None,
                claim: None,
                told: None,
                block_units_max: 0,
                lately: Lately::default(),
                offline: Reserve::default(),
            },
            blocks: BTreeMap::new(),
            early: 0,
            charged: VecDeque::new(),
        }
    }

    /// It counts over another span than `before` from now on.
    pub(super) fn outlast(&mut self, before: Span, now: Timestamp, bug: Option<Bug>) {
        let terms = self.limit.terms();
        if !terms.span.may_outlast(before) {
            return;
        }
        let clocks = self.entry.clocks;
        let outlasting = match bug {
            Some(Bug::SpanByTermsOfToday) => {
                Outlasting::Until(terms.charge_until(clocks.high.max(now)))
            }
            _ => self.entry.outlast(before, &terms, now),
        };
        let charged = self.blocks.values_mut();
        for block in charged.filter(|block| block.charge_until > clocks.low) {
            block.charge_until = match outlasting {
                Outlasting::By(longer) => block.charge_until.after(longer),
                Outlasting::Until(end) => block.charge_until.max(end),
            };
        }
    }

    /// Forgets blocks whose charge has ended. However the clocks are set, none ends before what it stands for.
    pub(super) fn forget(&mut self, low: Timestamp, time: Time, bug: Option<Bug>) {
        self.blocks.retain(|id, block| {
            let is_charged = block.charge_until > low;
            let is_early = !is_charged && time < block.binds_until;
            self.early += u64::from(is_early);
            assert!(
                !is_early || bug.is_some(),
                "at {time} the charge of {id} has ended, which binds until {}",
                block.binds_until
            );
            is_charged
        });
    }

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

    pub(super) fn insert(&mut self, block: &NewBlock, binds_until: Time) {
        let closed = block.open_until.is_none();
        // A charge whose answer was lost is said again.
        if closed && self.blocks.contains_key(&block.block_id) {
            return;
        }
        let stored = Stored {
            units: block.units,
            charge_until: block.charge_until,
            open_until: block.open_until,
            closed,
            ended: closed,
            grant_number: block.grant_number,
            settled: Vec::new(),
            epoch: 0,
            stated: block.units,
            binds_until,
        };
        let known = self.blocks.insert(block.block_id, stored);
        assert!(known.is_none(), "a block id came twice");
    }

    /// The charge of a lease that goes on, or goes on once more.
    pub(super) fn prolong(&mut self, block: &NewBlock) {
        self.insert(block, 0);
        let known = self.blocks.get_mut(&block.block_id).unwrap();
        known.charge_until = known.charge_until.max(block.charge_until);
        known.grant_number = block.grant_number;
        known.open_until.get_or_insert(block.charge_until);
        known.ended = false;
    }
}

impl Stored {
    /// What a replica says of a block of its own, as long as nobody has settled in its place.
    pub(super) fn state_use(&mut self, stated: &Stated, bug: Option<Bug>) {
        if bug == Some(Bug::ReturnTwice) {
            let back = self.stated.saturating_sub(stated.used);
            self.units = self.units.saturating_sub(back);
            self.stated = stated.used;
        } else if self.epoch > 0 {
            return;
        }
        self.units = self.units.min(stated.used);
        let until = stated.charge_until.unwrap_or(self.charge_until);
        if until < self.charge_until {
            self.charge_until = until;
            self.binds_until = 0;
        }
        self.closed = true;
        self.ended |= stated.is_ended;
        if count(&stated.settled) >= count(&self.settled) {
            self.settled.clone_from(&stated.settled);
        }
    }
}

fn count(settled: &[u8]) -> u32 {
    settled.iter().map(|byte| byte.count_ones()).sum()
}
