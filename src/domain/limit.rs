//! Limits: at most so much of a dimension in a window.

use std::time::Duration;

use uuid::Uuid;

use super::id::Id;
use super::models::Pattern;
use super::offline::{OfflineShare, Plan};
use super::terms::{Span, Terms, Timing};
use super::time::Timestamp;

/// The largest amount.
pub const AMOUNT_MAX: u64 = 1_000_000_000_000;
/// The shortest rolling window.
pub const WINDOW_MIN: Duration = Duration::from_secs(1);
/// The longest rolling window.
pub const WINDOW_MAX: Duration = Duration::from_hours(24 * 30);
/// How long one lease holds a permit at most, where a limit does not say.
pub const LEASE_DURATION_MAX_DEFAULT: Duration = Duration::from_mins(10);
/// The longest that a lease may hold a permit before it is renewed: after a failover that lost writes, this is how long a limit of what
/// is held is frozen.
pub const LEASE_DURATION_MAX_MAX: Duration = Duration::from_hours(1);
/// The longest allowance for hosts that stop without their clock knowing.
pub const BLACKOUT_MAX: Duration = Duration::from_hours(1);
/// The most limits of one owner.
pub const LIMITS_MAX: usize = 64;

/// A limit that this release cannot read: a newer one wrote it, or somebody by hand. Its account is shown with it, and not leased from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadLimit {
    /// Immutable.
    pub uid: Uuid,
    /// The revision of its last change.
    pub rev: i64,
    /// Of whoever's limit it is.
    pub owner_uid: Uuid,
    /// The last segment of its name, whatever it is.
    pub id: String,
    /// What cannot be read.
    pub why: String,
}

/// A limit, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Immutable.
    pub uid: Uuid,
    /// The revision of its last change.
    pub rev: i64,
    /// Whose limit it is.
    pub owner: Owner,
    /// The last segment of its name.
    pub id: Id,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// What is counted.
    pub dimension: Dimension,
    /// How many units in a window (N).
    pub amount: u64,
    /// Over what it counts.
    pub span: Span,
    /// Patterns of models that share the budget. Empty: all models.
    pub models: Vec<Pattern>,
    /// Whether it refuses.
    pub mode: Mode,
    /// D where set.
    pub validity: Option<Duration>,
    /// L where set.
    pub start_within: Option<Duration>,
    /// Added to the charge time.
    pub blackout: Option<Duration>,
    /// What replicas serve from while the database cannot be reached.
    pub offline: Option<OfflineShare>,
}

/// What owns a limit, by uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// An account.
    Account(Uuid),
    /// A caller.
    Caller(Uuid),
}

impl Owner {
    /// The uid of the account or caller.
    #[must_use]
    pub const fn uid(self) -> Uuid {
        match self {
            Self::Account(uid) | Self::Caller(uid) => uid,
        }
    }

    /// As stored.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Caller(_) => "caller",
        }
    }
}

/// Whether a limit refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Leases beyond it are refused.
    #[default]
    Enforce,
    /// It counts, and never refuses.
    Shadow,
}

impl Mode {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 2] =
        [(Self::Enforce, "enforce"), (Self::Shadow, "shadow")];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let named = Self::ALL.iter().find(|(mode, _)| *mode == self);
        named.map_or("", |(_, name)| name)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let named = Self::ALL.iter().find(|(_, known)| *known == name);
        named.map(|(mode, _)| *mode)
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Upstream requests started.
    Requests,
    /// Input and output tokens together.
    Tokens,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// Money, in millionths of the currency unit.
    CostMicros,
    /// Upstream requests under way.
    Concurrency,
}

impl Dimension {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Requests, "requests"),
        (Self::Tokens, "tokens"),
        (Self::InputTokens, "input_tokens"),
        (Self::OutputTokens, "output_tokens"),
        (Self::CostMicros, "cost_micros"),
        (Self::Concurrency, "concurrency"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(dimension, _)| *dimension == self)
            .map_or("", |(_, name)| name)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(dimension, _)| *dimension)
    }
}

impl Limit {
    /// The times that the ledger works with.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let timing = Timing {
            span: self.span,
            validity: self.validity,
            start_within: self.start_within,
            blackout: self.blackout,
        };
        timing.terms()
    }

    /// What its offline share comes to.
    #[must_use]
    pub fn offline_plan(&self) -> Option<Plan> {
        let share = self.offline?;
        Some(share.plan(self.amount, &self.terms()))
    }

    /// What the ledger grants of it at most.
    #[must_use]
    pub fn ledger_amount(&self) -> u64 {
        let offline = self.offline_plan().map_or(0, |plan| plan.units());
        self.amount.saturating_sub(offline)
    }

    /// Whether a lease for `model` counts against it. A lease without a model counts against those of all models only; where an
    /// account has others, the lease is refused before it comes to this.
    #[must_use]
    pub fn applies_to(&self, model: Option<&str>) -> bool {
        self.models.is_empty() || model.is_some_and(|m| self.models.iter().any(|p| p.matches(m)))
    }
}
