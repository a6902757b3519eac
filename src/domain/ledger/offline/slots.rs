//! Who has which slot. A slot belongs to one replica at a time, over all limits; nobody else serves by it.
//!
//! The database may forget whose a slot is, and its clock may step. So nothing that it says of the past is believed: a replica takes a
//! slot only after it has itself watched it lie still, by its own boot clock and in one incarnation of the database, for longer than
//! the last owner, cut off, can go on and its uses count. There is no shortcut for a slot that is said to be free: a dump that was
//! restored may say so of one that a replica serves from.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::offline::Plan;
use crate::domain::time::BootTime;

/// A slot, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotRow {
    /// From 0.
    pub slot: u32,
    /// Whose it is; `None`: nobody has had it yet.
    pub owner: Option<Uuid>,
    /// Grows with every renewal, and never goes back.
    pub beats: i64,
    /// The longest [`reach`](crate::domain::offline::Plan::reach) that the owner serves by.
    pub reach: Duration,
}

/// What a replica writes: its slot is renewed, or another one taken, if it still is as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The slot as it was seen; whoever finds it otherwise changes nothing.
    pub seen: SlotRow,
    /// The longest reach that the claimant serves by.
    pub reach: Duration,
}

/// The slot of this replica, as last acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Which.
    pub slot: u32,
    /// When the renewal was sent that the database acknowledged last.
    pub renewed: BootTime,
    /// When the configuration was known to be the latest. What was changed since may not be served by for longer than the old one.
    pub read: BootTime,
    /// The longest reach that the database knows of.
    pub reach: Duration,
    /// How long a share has to be known before it is served by: a failover may lose what is younger.
    pub settle: Duration,
}

/// What the limits of this replica ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// The most slots of any limit: those beyond serve none.
    pub slots: u32,
    /// The longest reach of any.
    pub reach: Duration,
}

impl Wants {
    /// Of limits with these plans; `None` if there are none.
    #[must_use]
    pub fn of(plans: impl Iterator<Item = Plan>) -> Option<Self> {
        let wants = plans.map(|plan| Self {
            slots: plan.slots,
            reach: plan.reach,
        });
        wants.reduce(|a, b| Self {
            slots: a.slots.max(b.slots),
            reach: a.reach.max(b.reach),
        })
    }
}

/// What a replica knows of the slots.
#[derive(Debug, Default)]
pub struct Watch {
    incarnation: i64,
    /// Whose each slot is, how often renewed, and since when that has been so, by this replica's clock.
    still: BTreeMap<u32, (Option<Uuid>, i64, BootTime)>,
    /// The longest reach that was ever seen. What the database has forgotten, somebody may serve by.
    reach_max: Duration,
}

impl Watch {
    /// What replica `me` writes in the transaction in which the rows were read: that was sent at `sent`, in this incarnation of the
    /// database. `own` is the slot that it has.
    pub fn decide(
        &mut self,
        me: Uuid,
        own: Option<Slot>,
        rows: &[SlotRow],
        incarnation: i64,
        wants: Wants,
        sent: BootTime,
    ) -> Option<Claim> {
        self.reach_max = rows
            .iter()
            .fold(self.reach_max.max(wants.reach), |most, row| {
                most.max(row.reach)
            });
        let mut wanted = rows.iter().filter(|row| row.slot < wants.slots);
        // A database that was set back may say so of a slot that another replica has had since.
        let is_known = self.incarnation == incarnation;
        let own = own.filter(|own| is_known && sent < own.renewed.after(own.reach));
        let is_mine =
            |row: &&SlotRow| row.owner == Some(me) && own.is_some_and(|own| own.slot == row.slot);
        let mine = wanted.clone().find(is_mine);
        let taken = mine.or_else(|| wanted.find(|row| is_known && self.has_lain_still(row, sent)));
        taken.map(|seen| Claim {
            seen: *seen,
            reach: wants.reach,
        })
    }

    /// The transaction has committed, by `now`: what it read is as it was, at least until then.
    pub fn saw(&mut self, rows: &[SlotRow], incarnation: i64, now: BootTime) {
        if self.incarnation != incarnation {
            self.incarnation = incarnation;
            self.still.clear();
        }
        for row in rows {
            let still = self
                .still
                .entry(row.slot)
                .or_insert((row.owner, row.beats, now));
            if (still.0, still.1) != (row.owner, row.beats) {
                *still = (row.owner, row.beats, now);
            }
        }
    }

    fn has_lain_still(&self, row: &SlotRow, sent: BootTime) -> bool {
        let known = self.still.get(&row.slot);
        known.is_some_and(|(owner, beats, since)| {
            (*owner, *beats) == (row.owner, row.beats) && sent.since(*since) > wait(self.reach_max)
        })
    }
}

/// Clocks of two hosts may run at rates that are apart.
fn wait(reach: Duration) -> Duration {
    reach + reach / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTS: Wants = Wants {
        slots: 2,
        reach: Duration::from_secs(100),
    };
    const ME: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    const fn at(second: u64) -> BootTime {
        BootTime::from_nanos(second * 1_000_000_000)
    }

    const fn row(slot: u32, owner: Option<Uuid>, beats: i64) -> SlotRow {
        SlotRow {
            slot,
            owner,
            beats,
            reach: Duration::from_secs(0),
        }
    }

    const fn slot(slot: u32, renewed: u64) -> Slot {
        Slot {
            slot,
            renewed: at(renewed),
            read: at(renewed),
            reach: WANTS.reach,
            settle: Duration::ZERO,
        }
    }

    /// One heartbeat: sent then, acknowledged a second later.
    fn beat(watch: &mut Watch, rows: &[SlotRow], incarnation: i64, second: u64) -> Option<u32> {
        let claim = watch.decide(ME, None, rows, incarnation, WANTS, at(second));
        watch.saw(rows, incarnation, at(second + 1));
        claim.map(|claim| claim.seen.slot)
    }

    #[test]
    fn a_slot_is_taken_when_it_has_lain_still_for_its_whole_reach() {
        let mut watch = Watch::default();
        let rows = [row(0, Some(OTHER), 7), row(1, None, 0), row(2, None, 0)];
        assert_eq!(beat(&mut watch, &rows, 1, 10), None);
        // It counts from when the first look was acknowledged, to when the last was sent.
        assert_eq!(beat(&mut watch, &rows, 1, 111), None);
        let renewed = [row(0, Some(OTHER), 8), row(1, None, 0), row(2, None, 0)];
        assert_eq!(beat(&mut watch, &renewed, 1, 112), Some(1));
        assert_eq!(beat(&mut watch, &renewed, 1, 214), Some(0));
    }

    #[test]
    fn slots_that_serve_no_limit_are_left_alone() {
        let mut watch = Watch::default();
        let rows = [row(2, None, 0)];
        assert_eq!(beat(&mut watch, &rows, 1, 10), None);
        assert_eq!(beat(&mut watch, &rows, 1, 500), None);
    }

    #[test]
    fn in_another_incarnation_the_watch_begins_anew() {
        let mut watch = Watch::default();
        let rows = [row(0, None, 0)];
        assert_eq!(beat(&mut watch, &rows, 1, 10), None);
        assert_eq!(beat(&mut watch, &rows, 2, 200), None);
        assert_eq!(beat(&mut watch, &rows, 2, 300), None);
        assert_eq!(beat(&mut watch, &rows, 2, 302), Some(0));
    }

    #[test]
    fn its_own_slot_is_renewed_as_long_as_nobody_can_have_taken_it() {
        let mut watch = Watch::default();
        let rows = [row(0, None, 0), row(1, Some(ME), 3)];
        let mut renews = |own, second| {
            let claim = watch.decide(ME, own, &rows, 0, WANTS, at(second));
            claim.map(|claim| claim.seen.slot)
        };
        assert_eq!(renews(Some(slot(1, 10)), 109), Some(1));
        assert_eq!(renews(Some(slot(1, 10)), 110), None);
        // It is another one that it has, or none.
        assert_eq!(renews(Some(slot(0, 10)), 20), None);
        assert_eq!(renews(None, 20), None);
        // Nor in a database that may have forgotten who had it since.
        let own = Some(slot(1, 10));
        assert_eq!(watch.decide(ME, own, &rows, 1, WANTS, at(20)), None);
    }

    #[test]
    fn the_longest_reach_that_was_ever_seen_is_waited_for() {
        let mut watch = Watch::default();
        let before = SlotRow {
            reach: Duration::from_secs(900),
            ..row(0, Some(OTHER), 7)
        };
        assert_eq!(beat(&mut watch, &[before], 1, 10), None);
        let after = [row(0, Some(OTHER), 6)];
        assert_eq!(beat(&mut watch, &after, 2, 20), None);
        assert_eq!(beat(&mut watch, &after, 2, 900), None);
        assert_eq!(beat(&mut watch, &after, 2, 930), Some(0));
    }
}
