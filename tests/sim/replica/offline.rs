//! What a replica serves from while it cannot reach the database.

use keylease::domain::ledger::offline::slots::{Slot, Wants, Watch};

use super::*;
use crate::database::{Database, LAG_MAX};

/// Its slot, and what it has seen of all.
#[derive(Default)]
pub(super) struct Slots {
    watch: Watch,
    own: Option<Slot>,
    read: BootTime,
}

/// A heartbeat that has committed.
pub(crate) struct Beat {
    pub(crate) sent: BootTime,
    /// The database is another than at the last one.
    pub(crate) is_other: bool,
    pub(crate) incarnation: i64,
    /// Nothing is learnt from it.
    pub(crate) is_lost: bool,
}

impl Slots {
    pub(super) fn own(&self) -> Option<Slot> {
        let read = self.read;
        self.own.map(|own| Slot { read, ..own })
    }
}

impl Replica {
    /// Renews its slot or takes one, reads the limits, and asks for their shares.
    pub(crate) fn look_at_slots(&mut self, database: &mut Database, beat: &Beat, time: Time) {
        let (rows, wants) = (database.slots(), self.wants());
        let incarnation = beat.incarnation;
        if self.bug == Some(Bug::SlotTakenAtOnce) {
            let begin = BootTime::default();
            self.slots.watch = Watch::default();
            self.slots.watch.saw(&rows, incarnation, begin);
        }
        let claim = wants.and_then(|wants| {
            let (watch, own) = (&mut self.slots.watch, self.slots.own);
            watch.decide(self.boot_id, own, &rows, incarnation, wants, beat.sent)
        });
        let own = self.slots.own.map(|own| own.slot);
        if claim.map(|claim| claim.seen.slot) != own {
            self.slots.own = None;
        }
        let claimed = claim.filter(|claim| database.claim(self.boot_id, claim));
        if beat.is_lost {
            return;
        }
        if beat.is_other {
            self.budget.unripen();
        }
        if wants.is_some() {
            let now = self.clock.at(time);
            self.slots.watch.saw(&rows, incarnation, now);
        }
        self.slots.own = claimed.map(|claim| Slot {
            slot: claim.seen.slot,
            renewed: beat.sent,
            read: beat.sent,
            reach: claim.reach,
            settle: LAG_MAX,
        });
        self.read_limits(database);
        self.slots.read = beat.sent;
        self.ripen(database, beat.sent, time);
    }

    fn wants(&self) -> Option<Wants> {
        Wants::of(self.limits.iter().filter_map(Limit::offline_plan))
    }

    fn read_limits(&mut self, database: &Database) {
        let limits = database.limits();
        let mut both = limits.iter().zip(&self.limits);
        if both.any(|(read, known)| read.rev > known.rev) {
            self.reconfigure(&limits);
        }
    }

    fn ripen(&mut self, database: &mut Database, sent: BootTime, time: Time) {
        let unripe: Vec<Uuid> = self.budget.unripe().collect();
        let works: Vec<Work> = unripe.iter().map(|limit| Work::silent(*limit)).collect();
        let client = self.client(sent, time);
        if database.reserve(&works, &client, time).is_none() {
            return;
        }
        let now = self.clock.at(time);
        for uid in unripe {
            let limit = self.limits.iter().find(|limit| limit.uid == uid);
            let (plan, now) = match self.bug {
                Some(Bug::ShareServedAtOnce) => {
                    (limit.and_then(Limit::offline_plan), BootTime::default())
                }
                _ => (database.ripe(uid), now),
            };
            if let Some(plan) = plan {
                self.budget.ripened(uid, plan, now);
            }
        }
    }
}
