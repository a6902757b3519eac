//! What conditions are derived from: of keys only those with something to tell, of pools all, in plain numbers.

use std::time::Duration;

use crate::domain::health::{FailureClass, Health};
use crate::domain::id::Id;
use crate::domain::incident::Ongoing;
use crate::domain::name::{KeyName, RotationName, VersionName};
use crate::domain::rotation::Step;
use crate::domain::time::Timestamp;

/// A rotation is told of so long before it is due, where its interval is not shorter than ten times that.
const NOTICE_MAX: Duration = Duration::from_hours(24);

/// The state at a moment, as one replica sees it.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Keys with something to tell; those that a person has disabled are none, since somebody knows of them.
    pub keys: Vec<KeyFact>,
    /// Every pool that is enabled.
    pub pools: Vec<PoolFact>,
    /// Rows that are not believed, by kind.
    pub rows: Vec<(&'static str, usize)>,
    /// Limits that are configured otherwise than their provider states.
    pub limits: Vec<LimitFact>,
    /// Accounts whose providers say that a quota is spent; those that a person has disabled are none.
    pub quotas: Vec<QuotaFact>,
    /// Rotations that people should know of.
    pub rotations: Vec<RotationFact>,
    /// What befalls many keys at once.
    pub incidents: Vec<Ongoing>,
    /// Records of leases give way to counts.
    pub is_journal_behind: bool,
}

/// A limit that is configured otherwise than its provider states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitFact {
    /// Its account.
    pub account: Id,
    /// The limit.
    pub limit: Id,
    /// N as configured.
    pub configured: u64,
    /// N as stated.
    pub stated: u64,
}

/// An account that has spent a quota, as its provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaFact {
    /// The account.
    pub account: Id,
    /// The models that it is spent for, those that are out longest first; empty where it is for all.
    pub models: Vec<String>,
    /// When the last of it is back, as far as is known.
    pub until: Timestamp,
}

/// What is wrong with a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// It waits for a person.
    Held,
    /// Its rotator is asked in vain, for an hour and more.
    InVain,
    /// It was undone by the vault itself.
    Undone,
}

/// A rotation that people should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationFact {
    /// The rotation.
    pub rotation: RotationName,
    /// The step it is at.
    pub step: Step,
    /// What is wrong with it.
    pub ailment: Ailment,
    /// What its last try came to.
    pub why: String,
}

/// Something to tell of a key.
#[derive(Debug, Clone)]
pub struct KeyFact {
    /// The key.
    pub key: KeyName,
    /// Its current version.
    pub version: u32,
    /// It is of a pool whose keys die together.
    pub is_braked: bool,
    /// What it is.
    pub fact: Fact,
}

/// What there is to tell of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Its current version is dead.
    Died {
        /// When a canary lease may try it.
        until: Timestamp,
        /// Why. The words of a provider are not kept: some of them repeat a part of the key.
        class: FailureClass,
    },
    /// It is refused from where we are, while others of its provider are not.
    Barred,
    /// Its rotation interval ends then.
    Rotates(Timestamp),
    /// Its current secret does not open.
    Undecryptable {
        /// The master key that it needs, by fingerprint, where that is what lacks.
        missing_key: Option<String>,
    },
}

/// The keys of a pool, counted.
#[derive(Debug, Clone)]
pub struct PoolFact {
    /// The pool.
    pub pool: Id,
    /// Its keys, those that are not believed included.
    pub keys: usize,
    /// Those that can serve now.
    pub healthy: usize,
    /// Those that could, were not a long limit of their account spent.
    pub spent: usize,
    /// Those that could, did their provider not fail for everybody.
    pub shut: usize,
    /// Those that were dead until a while ago, and of which the next lease is the canary.
    pub due: usize,
    /// Dead ones.
    pub dead: usize,
    /// Those that cool down, or whose account does.
    pub cooling: usize,
    /// Those that a person has disabled, or whose account.
    pub disabled: usize,
    /// Of those that cannot serve, when the first can by itself.
    pub serves_at: Option<Timestamp>,
    /// How many are to be healthy, where its policy says.
    pub healthy_min: Option<u32>,
    /// Models that none of them can serve, those that are out longest first; a few of many.
    pub models_out: Vec<ModelOut>,
}

/// A model that no key of a pool can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOut {
    /// As leases call it; none for those that name no model.
    pub model: Option<String>,
    /// When the first key can again by itself.
    pub serves_at: Option<Timestamp>,
}

impl Fact {
    /// The death of a version. What one caller alone says is none yet: its quarantine ends, or somebody confirms it, within minutes.
    #[must_use]
    pub const fn died(health: &Health) -> Option<Self> {
        match health {
            Health::Dead(cause) if cause.accuser.is_none() => Some(Self::Died {
                until: cause.until,
                class: cause.class,
            }),
            Health::Active | Health::Cooling(_) | Health::Dead(_) => None,
        }
    }
}

impl PoolFact {
    /// Keys that are well, whether or not they can serve now.
    #[must_use]
    pub const fn well(&self) -> usize {
        self.healthy + self.spent + self.shut
    }
}

impl KeyFact {
    /// The name of the version.
    #[must_use]
    pub fn version_name(&self) -> VersionName {
        VersionName {
            key: self.key.clone(),
            number: self.version,
        }
    }
}

/// How long before the end of a rotation interval it is told of.
#[must_use]
pub fn notice(interval: Duration) -> Duration {
    (interval / 10).min(NOTICE_MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::health::Cause;

    #[test]
    fn a_key_that_one_caller_accuses_is_not_told_as_dead() {
        let until = Timestamp::from_micros(60_000_000);
        let dead = |accuser| {
            Health::Dead(Cause {
                until,
                why: "401".to_owned(),
                class: FailureClass::Credential,
                accuser,
                tried: None,
                strikes: 0,
            })
        };
        assert_eq!(Fact::died(&dead(Some(Uuid::from_u128(1)))), None);
        assert_eq!(Fact::died(&Health::Active), None);
        let class = FailureClass::Credential;
        assert_eq!(Fact::died(&dead(None)), Some(Fact::Died { until, class }));
    }
}
