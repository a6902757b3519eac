//! A pool at a glance: its keys by health and stage, and what is left of the limits behind it.

use std::time::Duration;

use uuid::Uuid;

use super::account::Cooldown;
use super::disablement::{Disablement, is_disabled};
use super::distrust::Distrust;
use super::health::{Cause, Health};
use super::incident::Ongoing;
use super::key::Stage;
use super::limit::{Dimension, Mode};
use super::name::{KeyName, LimitName, PoolName};
use super::time::Timestamp;

/// A pool at a glance.
#[derive(Debug, Clone)]
pub struct PoolStatus {
    /// The pool.
    pub pool: PoolName,
    /// When this was so.
    pub time: Timestamp,
    /// The boot id of the replica whose counts these are.
    pub replica: Uuid,
    /// Replicas alive.
    pub replicas_live: u32,
    /// Every key, in the order of tier, then name.
    pub keys: Vec<KeyStatus>,
    /// Every limit of the accounts of the pool, in the order of name.
    pub limits: Vec<LimitStatus>,
    /// Calls that wait for permits on the replica.
    pub waiting: u32,
    /// A person's word, while it holds.
    pub disablement: Option<Disablement>,
    /// Why the pool's row, or a member's, is not believed.
    pub distrust: Option<Distrust>,
    /// What befalls many of its keys at once.
    pub incidents: Vec<Ongoing>,
    /// Models that cool down by themselves, in the order of their owners' names, then of theirs.
    pub cooling_models: Vec<CoolingModel>,
}

/// A model that cools down, while the rest of its account or version does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoolingModel {
    /// The account or version, by its full name.
    pub of: String,
    /// As the provider names it.
    pub model: String,
    /// Until when, and why.
    pub cause: Cause,
}

/// A key at a glance.
#[derive(Debug, Clone)]
pub struct KeyStatus {
    /// Its name.
    pub name: KeyName,
    /// Its tier in this pool.
    pub tier: u32,
    /// Its weight in this pool.
    pub weight: u32,
    /// Its versions that are not revoked, newest first.
    pub versions: Vec<VersionStatus>,
    /// A person's word on the key or its account, while it holds.
    pub disablement: Option<Disablement>,
    /// What its account cools down from as a whole.
    pub account_cooldown: Option<Cooldown>,
    /// When the rotation interval ends.
    pub next_rotation: Option<Timestamp>,
    /// It has ended.
    pub rotation_overdue: bool,
    /// Its provider fails.
    pub breaker: Option<Ongoing>,
    /// What the replica did with it.
    pub usage: KeyUsage,
    /// Why its row, or its account's, is not believed.
    pub distrust: Option<Distrust>,
}

/// A version at a glance.
#[derive(Debug, Clone)]
pub struct VersionStatus {
    /// Its number.
    pub number: u32,
    /// Its stage.
    pub stage: Stage,
    /// Its health.
    pub health: Health,
    /// Failures in a row that no rule explains, as the replica sees them.
    pub consecutive_failures: u32,
    /// Why it is not leased, whatever its health.
    pub distrust: Option<Distrust>,
}

/// A limit at a glance.
#[derive(Debug, Clone)]
pub struct LimitStatus {
    /// Its name.
    pub name: LimitName,
    /// What is counted.
    pub dimension: Dimension,
    /// N.
    pub amount: u64,
    /// Whether it refuses.
    pub mode: Mode,
    /// Units charged: of a shadow, more than N where it would have refused.
    pub charged: u64,
    /// C.
    pub charge_time: Duration,
    /// When the next charge ends.
    pub next_charge_end: Option<Timestamp>,
    /// What is left to replicas that cannot reach the database, if anything.
    pub offline: Option<OfflineStatus>,
}

/// What is left of a limit to replicas that cannot reach the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflineStatus {
    /// Units that the ledger grants to nobody.
    pub reserved: u64,
    /// The slot of this replica, if it has one.
    pub slot: Option<u32>,
    /// Units of one slot in any window.
    pub slot_units: u64,
    /// Units that this replica would serve from its slot now.
    pub slot_left: u64,
}

/// What one replica did with a key since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyUsage {
    /// Leases given.
    pub leases: u64,
    /// When it last leased it.
    pub last_use: Option<Timestamp>,
}

/// Whether a key could serve, and if not, the first reason why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It could serve, limits aside.
    Serving,
    /// It, or its account, cools down.
    Cooling,
    /// Its provider fails: no lease but one trial at a time.
    ProviderFailing,
    /// It is dead.
    Dead,
    /// A person has disabled it, or its account.
    Disabled,
    /// It has no current version.
    Empty,
    /// Its row, its account's, or its secret is not what KeyLease wrote.
    Distrusted,
}

impl KeyStatus {
    /// Where it stands at `now`. Of several reasons the one that lasts longest by its nature is told: a person's word, then death. A row
    /// that is not believed comes before either, since it may say anything.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.distrust.is_some() {
            return Standing::Distrusted;
        }
        if is_disabled(self.disablement.as_ref(), now) {
            return Standing::Disabled;
        }
        let current = self.versions.iter().find(|v| v.stage == Stage::Current);
        let Some(current) = current else {
            return Standing::Empty;
        };
        if current.distrust.is_some() {
            return Standing::Distrusted;
        }
        let account_cools = self
            .account_cooldown
            .as_ref()
            .is_some_and(|cooldown| now < cooldown.cause.until);
        match &current.health {
            Health::Dead(cause) if now < cause.until => Standing::Dead,
            Health::Cooling(cause) if now < cause.until => Standing::Cooling,
            Health::Active | Health::Cooling(_) | Health::Dead(_) if account_cools => {
                Standing::Cooling
            }
            Health::Active | Health::Cooling(_) | Health::Dead(_) if self.breaker.is_some() => {
                Standing::ProviderFailing
            }
            Health::Active | Health::Cooling(_) | Health::Dead(_) => Standing::Serving,
        }
    }
}

impl PoolStatus {
    /// How many keys stand so.
    #[must_use]
    pub fn count(&self, standing: Standing) -> usize {
        let stands = |key: &&KeyStatus| key.standing(self.time) == standing;
        self.keys.iter().filter(stands).count()
    }
}

impl LimitStatus {
    /// Units that can still be reserved. None where a limit was lowered below what is charged.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        let reserved = self.offline.map_or(0, |offline| offline.reserved);
        let granted = self.amount.saturating_sub(reserved);
        granted.saturating_sub(self.charged)
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
