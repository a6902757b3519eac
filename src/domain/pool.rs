//! What callers lease from.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::classify::PoolRules;
use super::disablement::Disablement;
use super::id::Id;
use super::journal::Journaling;
use super::key::Meta;

pub use super::health_policy::{HealthPolicy, VerdictPolicy};

/// The most members of a pool.
pub const MEMBERS_MAX: usize = 1_000;
/// How long a lease may be reported where nobody says otherwise.
pub const LEASE_DURATION_DEFAULT: Duration = Duration::from_mins(10);
/// The shortest lease duration.
pub const LEASE_DURATION_MIN: Duration = Duration::from_secs(1);
/// The longest lease duration.
pub const LEASE_DURATION_MAX: Duration = Duration::from_hours(24);
/// The longest TTL of a verdict: a weekly reset is a week, and a month is the end of what is believable.
pub const TTL_MAX: Duration = Duration::from_hours(24 * 31);

/// A pool, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Uid, revision, labels and times.
    pub meta: Meta,
    /// The last segment of its name.
    pub id: Id,
    /// What it leases from.
    pub members: Vec<Member>,
    /// How one of a tier is chosen.
    pub strategy: Strategy,
    /// How health is judged.
    pub health_policy: HealthPolicy,
    /// Its own default estimate.
    pub default_estimate: Option<Estimate>,
    /// Its own rotation interval.
    pub rotation_interval: Option<Duration>,
    /// Its own lease duration.
    pub lease_duration: Option<Duration>,
    /// Rules of its own, which come before the built-in ones.
    pub failure_rules: Option<Arc<PoolRules>>,
    /// How closely its leases are recorded.
    pub journal: Journaling,
    /// A person's word.
    pub disablement: Option<Disablement>,
}

/// One member of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it is.
    pub target: Target,
    /// 1 first.
    pub tier: u32,
    /// Share of its tier.
    pub weight: u32,
}

/// An account or a key, by uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// All keys of an account.
    Account(Uuid),
    /// One key.
    Key(Uuid),
}

impl Target {
    /// The uid of the account or key.
    #[must_use]
    pub const fn uid(self) -> Uuid {
        match self {
            Self::Account(uid) | Self::Key(uid) => uid,
        }
    }

    /// As stored.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Key(_) => "key",
        }
    }
}

/// How one of the members of a tier is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// Each key in turn.
    #[default]
    RoundRobin,
    /// In proportion to weights.
    Weighted,
    /// The key with the fewest leases over the last minute.
    LeastUsed,
}

impl Strategy {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::RoundRobin, "round_robin"),
        (Self::Weighted, "weighted"),
        (Self::LeastUsed, "least_used"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(strategy, _)| *strategy == self)
            .map_or("", |(_, name)| name)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(strategy, _)| *strategy)
    }
}

/// What one use is expected to consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Input tokens.
    pub input_tokens: u64,
    /// The most output tokens.
    pub output_tokens: u64,
    /// Millionths of the currency unit; `None` where nobody has said.
    pub cost_micros: Option<u64>,
}

impl Estimate {
    /// Where neither the call nor the pool says.
    pub const DEFAULT: Self = Self {
        input_tokens: 1_000,
        output_tokens: 1_000,
        cost_micros: None,
    };

    /// What the call says, or else the pool, or else the default. Nobody can say that a use consumes no tokens at all: it would count
    /// next to nothing under every limit on them. What the pool says that a use costs is of the tokens that it says: a call that gives
    /// its own is priced by those.
    #[must_use]
    pub fn in_force(call: Option<Self>, pool: Option<Self>) -> Self {
        let counts = |e: &Self| e.input_tokens > 0 || e.output_tokens > 0;
        let own = call.filter(counts);
        let tokens = own.or(pool.filter(counts)).unwrap_or(Self::DEFAULT);
        let pools_cost = pool.filter(|_| own.is_none()).and_then(|e| e.cost_micros);
        Self {
            cost_micros: call.and_then(|e| e.cost_micros).or(pools_cost),
            ..tokens
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_of_nothing_is_none() {
        let of = |input_tokens, output_tokens, cost_micros| Estimate {
            input_tokens,
            output_tokens,
            cost_micros,
        };
        let pool = Some(of(70, 30, Some(9)));
        assert_eq!(Estimate::in_force(None, None), Estimate::DEFAULT);
        assert_eq!(
            Estimate::in_force(Some(of(0, 0, None)), pool),
            of(70, 30, Some(9))
        );
        assert_eq!(
            Estimate::in_force(Some(of(0, 0, Some(5))), pool),
            of(70, 30, Some(5))
        );
        assert_eq!(
            Estimate::in_force(Some(of(5, 0, None)), pool),
            of(5, 0, None)
        );
        assert_eq!(
            Estimate::in_force(Some(of(0, 0, None)), Some(of(0, 0, None))),
            Estimate::DEFAULT
        );
    }
}
