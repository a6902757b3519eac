//! Limits: at most so much of a dimension in a window.

use std::time::Duration;

use uuid::Uuid;

use super::id::Id;
use super::models::Pattern;
use super::time::Timestamp;

/// The largest amount.
pub const AMOUNT_MAX: u64 = 1_000_000_000_000;
/// The shortest rolling window.
pub const WINDOW_MIN: Duration = Duration::from_secs(1);
/// The longest rolling window.
pub const WINDOW_MAX: Duration = Duration::from_hours(24 * 30);
/// The longest allowance for hosts that stop without their clock knowing.
pub const BLACKOUT_MAX: Duration = Duration::from_hours(1);
/// From this window on, lost writes are charged for instead of freezing the limit.
pub const LONG_WINDOW_MIN: Duration = Duration::from_hours(1);
/// The most limits of one owner.
pub const LIMITS_MAX: usize = 64;

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
    /// The rolling window (W).
    pub window: Duration,
    /// Patterns of models that share the budget. Empty: all models.
    pub models: Vec<Pattern>,
    /// D where set.
    pub validity: Option<Duration>,
    /// L where set.
    pub start_within: Option<Duration>,
    /// Added to the charge time.
    pub blackout: Option<Duration>,
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
}

impl Dimension {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Requests, "requests"),
        (Self::Tokens, "tokens"),
        (Self::InputTokens, "input_tokens"),
        (Self::OutputTokens, "output_tokens"),
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
            window: self.window,
            validity: self.validity,
            start_within: self.start_within,
            blackout: self.blackout,
        };
        timing.terms()
    }

    /// Whether a lease for `model` counts against it. A lease without a model counts against those of all models only; where an
    /// account has others, the lease is refused before it comes to this.
    #[must_use]
    pub fn applies_to(&self, model: Option<&str>) -> bool {
        self.models.is_empty() || model.is_some_and(|m| self.models.iter().any(|p| p.matches(m)))
    }
}

/// The times of a limit as configured: what is unset has its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// W.
    pub window: Duration,
    /// D: min(1 s, W/20) unless set.
    pub validity: Option<Duration>,
    /// L: min(3 s, W/10) unless set.
    pub start_within: Option<Duration>,
    /// None unless set.
    pub blackout: Option<Duration>,
}

impl Timing {
    /// The times in force.
    #[must_use]
    pub fn terms(self) -> Terms {
        let validity = Duration::from_secs(1).min(self.window / 20);
        let start_within = Duration::from_secs(3).min(self.window / 10);
        Terms {
            window: self.window,
            validity: self.validity.unwrap_or(validity),
            start_within: self.start_within.unwrap_or(start_within),
            blackout: self.blackout.unwrap_or_default(),
        }
    }
}

/// The times of a limit, as a block carries them: W, D, L, and what is added for hosts that stop unnoticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// W: any stretch of this length holds at most N.
    pub window: Duration,
    /// D: how long a replica may hand out from a block.
    pub validity: Duration,
    /// L: how long after sending its call a caller may start.
    pub start_within: Duration,
    /// Added where hosts may be stopped without their clock knowing.
    pub blackout: Duration,
}

impl Terms {
    /// For clock rates and arrival jitter.
    #[must_use]
    pub fn epsilon(&self) -> Duration {
        Duration::from_millis(50) + (self.window + self.validity + self.start_within) / 1_000
    }

    /// C: how long a reserved unit stays charged.
    #[must_use]
    pub fn charge_time(&self) -> Duration {
        self.window + self.validity + self.start_within + self.epsilon() + self.blackout
    }

    /// When the charge of a unit ends that is reserved at `high`.
    #[must_use]
    pub fn charge_until(&self, high: Timestamp) -> Timestamp {
        high.after(self.charge_time())
    }

    /// How long a unit stays charged after a use that is known to have started.
    #[must_use]
    pub fn charge_after_start(&self) -> Duration {
        self.window + self.epsilon()
    }

    /// Whether freezing the limit for its charge time would be an outage.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.window >= LONG_WINDOW_MIN
    }
}
