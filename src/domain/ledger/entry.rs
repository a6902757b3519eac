//! One limit in the database while its row is locked: what may be granted, and what becomes of the row.

use std::time::Duration;

use uuid::Uuid;

use super::clock::Clocks;
use super::grant::{Ask, grant};
use super::offline::reserve::Reserve;
use super::reach::Reach;
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
    /// The largest block ever granted.
    pub block_units_max: u64,
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
}

/// What a replica was granted of a limit, which the database may have forgotten together with what it noted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// The largest block.
    pub units: u64,
    /// The longest time that one of its blocks stays charged.
    pub charge: Duration,
}

impl Most {
    /// Nothing.
    pub const NONE: Self = Self {
        units: 0,
        charge: Duration::ZERO,
    };
}

/// A need that could not be met. What others are granted leaves it free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The replica whose first waiter it is.
    pub boot_id: Uuid,
    /// What it needs.
    pub units: u64,
    /// When it ends, unless renewed, by the database's own clock: those of the limit may stand still for as long as that was ahead, and
    /// a claim whose owner is gone would keep its room for as long.
    pub until: Timestamp,
}

impl Claim {
    /// Whether it is left room for. Where the clock has gone back behind its beginning, nobody knows how old it is, so it has ended: it
    /// only ever keeps room, so that nothing is over where it ends early.
    fn holds(&self, database_now: Timestamp, terms: &Terms) -> bool {
        database_now < self.until && self.until.before(terms.validity) <= database_now
    }
}

/// Who asks, and what the database is to it.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// Its boot id.
    pub boot_id: Uuid,
    /// Replicas that live, itself included.
    pub live: u64,
    /// What was lost last.
    pub loss: Loss,
}

/// The last time that acknowledged writes may have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// The number of the incarnation; 0 if there was none.
    pub incarnation: i64,
    /// How many replicas may have lost grants.
    pub replicas: u64,
    /// Over how many periods of [`LONG_PERIOD`] each of them may have.
    pub periods: u64,
}

impl Loss {
    /// In the incarnation of this number, by so many replicas, over so long.
    #[must_use]
    pub fn over(incarnation: i64, replicas: u64, lag: Duration) -> Self {
        let periods = lag.as_nanos().div_ceil(LONG_PERIOD.as_nanos());
        Self {
            incarnation,
            replicas,
            periods: u64::try_from(periods).unwrap_or(u64::MAX),
        }
    }
}

/// What lost writes mean for a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing is granted until every forgotten block would have ended.
    Frozen,
    /// A limit of a long window is charged for all that can have been forgotten.
    Charged(u64),
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

    /// Looks for lost writes: the database has become another since, or has forgotten a grant that the asker has seen.
    pub fn notice(
        &mut self,
        loss: Loss,
        (seen, most): (Seen, Most),
        amount: u64,
        terms: &Terms,
    ) -> Option<Aftermath> {
        self.block_units_max = self.block_units_max.max(most.units);
        let forgot = self.last() < seen;
        let is_news = self.incarnation < loss.incarnation;
        self.incarnation = self.incarnation.max(seen.incarnation).max(loss.incarnation);
        self.grant_number = self.grant_number.max(seen.grant_number);
        if !forgot && !is_news {
            return None;
        }
        if terms.is_long() {
            // Two grants fit into one period, at its ends; and a need that is larger than the share is let through.
            let periods = loss.periods.saturating_add(1);
            let each = long_period_units_max(amount).max(self.block_units_max);
            let each = each.saturating_mul(periods);
            let lost = each.saturating_mul(loss.replicas.max(1)).min(amount);
            return Some(Aftermath::Charged(lost));
        }
        // What was lost may have been granted by other terms than those found here.
        let (high, longest) = (self.clocks.high, self.reach.charge.max(most.charge));
        let until = terms.charge_until(high).max(high.after(longest));
        self.reach = self.reach.at_least(longest, until);
        self.frozen_until = self.frozen_until.max(Some(until));
        self.offline.freeze(until);
        Some(Aftermath::Frozen)
    }

    /// Whether nothing may be granted.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen_until
            .is_some_and(|until| self.clocks.low < until)
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
        let other = self
            .claim
            .filter(|claim| claim.boot_id != asker.boot_id && claim.holds(database_now, terms));
        let own = self.claim.is_some_and(|c| c.boot_id == asker.boot_id);
        let free = amount.saturating_sub(charged);
        let free = free.saturating_sub(other.map_or(0, |claim| claim.units));
        let units = if self.is_frozen() {
            0
        } else {
            grant(ask, free, asker.live)
        };
        if units > 0 {
            self.grant_number += 1;
            self.block_units_max = self.block_units_max.max(units);
        }
        if own {
            self.claim = None;
        }
        if units == 0 && ask.is_awaited && other.is_none() {
            self.claim = Some(Claim {
                boot_id: asker.boot_id,
                units: ask.need,
                until: database_now.after(terms.validity),
            });
        }
        units
    }
}

#[cfg(test)]
#[path = "entry_loss_tests.rs"]
mod loss_tests;
#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
