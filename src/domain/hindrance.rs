//! What keeps a pool from serving, by name: what the people need who read a refusal, gathered for them and for nothing else.

use std::sync::Arc;

use super::disablement::Disablement;
use super::health::Cause;
use super::limit::Limit;
use super::name::LimitName;
use super::prices::NoPrice;
use super::refusal::KeyRefusal;
use super::time::Timestamp;

/// The most limits that one refusal names: its details travel in a header, of which some clients take 8 KiB.
pub const LIMITS_NAMED_MAX: usize = 10;

/// One thing that keeps keys from serving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// A limit says no.
    Limit(LimitHindrance),
    /// Of what cools down, fails or is dead, the first to be well again: a key, an account or a provider, by name.
    Ailing {
        /// [`KeyRefusal::Cooling`], [`KeyRefusal::Provider`] or [`KeyRefusal::Dead`].
        refusal: KeyRefusal,
        /// By name.
        resource: String,
        /// Until when, and why.
        cause: Cause,
    },
    /// Of what a person has disabled, the first to be enabled again: a key or an account, by name.
    Disabled {
        /// By name.
        resource: String,
        /// Why, and until when.
        word: Disablement,
    },
}

/// A limit that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitHindrance {
    /// How: used up, frozen, unreachable, too small, or of models alone.
    pub refusal: KeyRefusal,
    /// By name.
    pub name: LimitName,
    /// As configured.
    pub limit: Arc<Limit>,
    /// What one use needs of it.
    pub needed: u64,
    /// When that much is free; `None` where waiting does not help.
    pub clears: Option<Timestamp>,
    /// Why nobody knows what a use costs, where that is the matter.
    pub no_price: Option<Box<NoPrice>>,
}

impl Hindrance {
    /// The reason that it belongs to.
    #[must_use]
    pub const fn refusal(&self) -> KeyRefusal {
        match self {
            Self::Limit(limit) => limit.refusal,
            Self::Ailing { refusal, .. } => *refusal,
            Self::Disabled { .. } => KeyRefusal::Disabled,
        }
    }
}
