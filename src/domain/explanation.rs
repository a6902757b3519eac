//! Why each key of a pool would or would not be chosen now, by the replica that was asked.

use std::sync::Arc;

use uuid::Uuid;

use super::health::Cause;
use super::hindrance::Hindrance;
use super::incident::Ongoing;
use super::limit::Limit;
use super::name::{AccountName, CallerName, KeyName, LimitName, PoolName};
use super::pool::{Estimate, Strategy};
use super::recovery::Grown;
use super::refusal::{KeyRefusal, LeaseRefusal};
use super::time::Timestamp;

/// A choice, explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// For whom.
    pub caller: CallerName,
    /// The pool.
    pub pool: PoolName,
    /// What one use is taken to consume.
    pub estimate: Estimate,
    /// How keys of a tier take turns.
    pub strategy: Strategy,
    /// When this was so.
    pub time: Timestamp,
    /// The boot id of the replica that would have chosen.
    pub replica: Uuid,
    /// Calls that wait for permits of the pool there.
    pub waiting: usize,
    /// Why a lease would be refused; `None` if it would be given.
    pub refusal: Option<LeaseRefusal>,
    /// Every key, in the order in which they are tried; those that are not believed come last.
    pub keys: Vec<KeyExplanation>,
    /// Every limit that the call draws from, or would.
    pub limits: Vec<LimitExplanation>,
    /// What befalls many of its keys at once.
    pub incidents: Vec<Ongoing>,
}

/// Why one key would or would not be chosen.
#[derive(Debug, Clone)]
pub struct KeyExplanation {
    /// Its name; `None` where its row is not believed and gives none.
    pub key: Option<KeyName>,
    /// Its account, where that is known.
    pub account: Option<AccountName>,
    /// Its tier; 0 where it is not believed.
    pub tier: u32,
    /// Its share of its tier.
    pub weight: u32,
    /// The number of its current version.
    pub version: Option<u32>,
    /// Uses granted by the replica over the last minute or so.
    pub recent: u64,
    /// Its place among those that could be leased, or what keeps it from that.
    pub verdict: KeyVerdict,
}

/// Whether a key could be leased.
#[derive(Debug, Clone)]
pub enum KeyVerdict {
    /// It could.
    Eligible(Choice),
    /// It could not.
    Refused(Refused),
}

/// A key that could be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// 1 is chosen.
    pub rank: u32,
    /// The strategy names it first in its tier, whether or not it can serve.
    pub is_first: bool,
    /// Weights of its tier, together.
    pub weights: u64,
    /// It would be the canary.
    pub is_canary: bool,
    /// The database is asked for permits first: it has them.
    pub is_asking: bool,
    /// It was dead and takes this part of its turns, in percent, while it grows back, where others can serve.
    pub grown_percent: Option<u8>,
    /// Its provider failed for everybody and takes this part of all leases, while it grows back: the others are refused.
    pub provider_grown: Option<Grown>,
}

/// A key that could not be leased.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What a refused lease counts it under.
    pub refusal: KeyRefusal,
    /// When it could serve; `None` where waiting does not help.
    pub retry: Option<Timestamp>,
    /// All that keeps it from serving.
    pub objections: Vec<Objection>,
}

/// One thing that keeps a key from serving.
#[derive(Debug, Clone)]
pub struct Objection {
    /// Which kind.
    pub refusal: KeyRefusal,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// What it is.
    pub what: What,
}

/// What keeps a key from serving.
#[derive(Debug, Clone)]
pub enum What {
    /// A limit, or what cools down, is dead or is disabled, by name.
    Named(Hindrance),
    /// Its time as a dead one is over, and the lease that decides is out.
    CanaryOut(Cause),
    /// Its secret is sealed for other hosts than its account sends it to.
    SealedElsewhere {
        /// For these.
        hosts: Vec<String>,
        /// Where it would go.
        base_url: String,
    },
    /// Its secret needs this master key, by fingerprint, which the replica lacks.
    MasterKeyMissing(String),
    /// The kind says it all.
    Plain,
}

/// What one limit says to the call.
#[derive(Debug, Clone)]
pub struct LimitExplanation {
    /// By name.
    pub name: LimitName,
    /// As configured.
    pub limit: Arc<Limit>,
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// What one use needs of it.
    pub needed: u64,
    /// Units that the replica holds.
    pub at_hand: u64,
    /// Units that its slot would have if the database could not be reached; `None` if the limit has no offline share.
    pub offline: Option<u64>,
    /// Units that the database could still grant; `None` if that could not be asked.
    pub remaining: Option<u64>,
    /// How it refuses; `None` if it does not.
    pub refusal: Option<Hindrance>,
    /// A shadow, which would refuse if it were enforced.
    pub is_over: bool,
}
