//! One limit in the database while its row is locked: what may be granted, and what becomes of the row.

use std::time::Duration;

use uuid::Uuid;

use super::clock::Clocks;
use super::grant::{Ask, Urgency, grant};
use super::losable::{Lately, Losable};
use super::loss::Loss;
use super::offline::reserve::Reserve;
use super::reach::Reach;
use super::told::Told;
use crate::domain::terms::Terms;
use crate::domain::time::Timestamp;

/// The row of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Neither goes back.
    pub clocks: Clocks,
    /// How far back these look.
    pub reach: Reach,
    /// Grows with every grant.
    pub grant_number: i64,
    /// The last lossy incarnation of the database that the limit has answered to.
    pub incarnation: i64,
    /// Nothing is granted before the lower clock has passed it.
    pub frozen_until: Option<Timestamp>,
    /// The one need that is left room for.
    pub claim: Option<Claim>,
    /// The need of a call that was refused, and comes back.
    pub told: Option<Told>,
    /// The largest block ever granted, or, where it may be lost, that may be granted.
    pub block_units_max: u64,
    /// What a failover may lose.
    pub lately: Lately,
    /// What is left to replicas that cannot reach the database.
    pub offline: Reserve,
}

/// A grant of a limit, as a replica has seen it. Whatever was seen before a loss that the limit has answered to is older than whatever
/// comes after it: it may be forgotten, and nobody has to answer for it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen {
    /// The last lossy incarnation that the limit had answered to.
    pub incarnation: i64,
    /// The number of the grant.
    pub grant_number: i64,
}

impl Seen {
    /// No grant at all.
    pub const NONE: Self = Self {
        incarnation: 0,
        grant_number: 0,
    };

    /// A grant that was seen before the limit answered to this lossy incarnation.
    pub(super) fn is_before(self, incarnation: i64) -> bool {
        self != Self::NONE && self.incarnation < incarnation
    }
}

/// A need that could not be met. What others are granted leaves it free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The replica whose first waiter it is.
    pub boot_id: Uuid,
    /// What it needs; 0 once that was granted: until it ends, its owner claims nothing more, so that others get to claim. A replica whose
    /// calls wait asks again in the transaction that returns a permit, and would have every one that comes back to it.
    pub units: u64,
    /// When it ends, unless renewed, by the database's own clock: those of the limit may stand still for as long as that was ahead, and
    /// a claim whose owner is gone would keep its room for as long.
    pub until: Timestamp,
}

impl Claim {
    /// Whether it is left room for. Where the clock has gone back behind its beginning, nobody knows how old it is, so it has ended: it
    /// only ever keeps room, so that nothing is over where it ends early.
    fn holds(&self, database_now: Timestamp, terms: &Terms) -> bool {
        database_now < self.until && self.until.before(Self::life(terms)) <= database_now
    }

    /// How long it lasts unless it is renewed, which the replica does once in most of D: where D is short, the way to the database and
    /// back must not let it lapse in between.
    pub(super) fn life(terms: &Terms) -> Duration {
        terms.validity.max(CLAIM_LIFE_MIN)
    }
}

/// See [`Claim::life`].
const CLAIM_LIFE_MIN: Duration = Duration::from_millis(250);

/// Who asks, and what the database is to it.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// Its boot id.
    pub boot_id: Uuid,
    /// Replicas that live, itself included.
    pub live: u64,
    /// What was lost last.
    pub loss: Loss,
    /// What may be lost next.
    pub losable: Losable,
}

/// Limits of long windows are granted at most this share of N per replica and [`LONG_PERIOD`], so that little can be forgotten.
pub const LONG_SHARE: u64 = 64;
/// See [`LONG_SHARE`].
pub const LONG_PERIOD: Duration = Duration::from_secs(10);

/// What one replica may be granted of a limit of a long window in one [`LONG_PERIOD`].
#[must_use]
pub const fn long_period_units_max(amount: u64) -> u64 {
    let share = amount / LONG_SHARE;
    if share == 0 { 1 } else { share }
}

impl Entry {
    /// Its last grant.
    #[must_use]
    pub const fn last(&self) -> Seen {
        Seen {
            incarnation: self.incarnation,
            grant_number: self.grant_number,
        }
    }

    /// Grants all that a shadow is asked for: it counts, and never refuses.
    pub const fn grant_whole(&mut self, ask: Ask) -> u64 {
        self.grant_number += 1;
        if self.block_units_max < ask.want {
            self.block_units_max = ask.want;
        }
        ask.want
    }

    /// Grants what can be granted beside the `charged` units; 0 is none. An unmet need of somebody who waits becomes the claim, if
    /// there is no other.
    pub fn grant(
        &mut self,
        asker: &Asker,
        ask: Ask,
        amount: u64,
        charged: u64,
        terms: &Terms,
        database_now: Timestamp,
    ) -> u64 {
        let is_own = |claim: &Claim| claim.boot_id == asker.boot_id;
        let holds = |claim: &Claim| claim.holds(database_now, terms);
        let own = self.claim.filter(is_own);
        let other = self.claim.filter(|claim| !is_own(claim) && holds(claim));
        let other = other.filter(|claim| claim.units > 0);
        let lets_others = own.is_some_and(|claim| claim.units == 0 && holds(&claim));
        let free = amount.saturating_sub(charged);
        let free = free.saturating_sub(other.map_or(0, |claim| claim.units));
        let promised = self
            .told
            .map_or(0, |told| told.promised(database_now, terms));
        let units = if self.frozen(terms).is_some() {
            0
        } else {
            grant(ask, free, promised, asker.live)
        };
        if units > 0 {
            let is_back = |told: &Told| ask.urgency.is_there() && told.units <= ask.need;
            self.told = self.told.filter(|told| promised == 0 || !is_back(told));
            self.grant_number += 1;
            self.block_units_max = self.block_units_max.max(units);
        }
        if lets_others {
            return units;
        }
        let claims =
            units == 0 && ask.urgency == Urgency::Awaited && !ask.only_looks && other.is_none();
        let claimed = |units| Claim {
            boot_id: asker.boot_id,
            units,
            until: database_now.after(Claim::life(terms)),
        };
        if let Some(claim) = own {
            let is_met = claim.units > 0 && units > 0 && asker.live > 1;
            self.claim = is_met.then(|| claimed(0));
        }
        if claims {
            self.claim = Some(claimed(ask.need));
        }
        units
    }

    /// A call was refused, and is told when to come back.
    pub(super) fn tell(&mut self, told: Told, database_now: Timestamp, terms: &Terms) {
        let sooner = |before: Told| before.or_sooner(told, database_now, terms);
        self.told = Some(self.told.map_or(told, sooner));
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
pub(super) mod tests;
