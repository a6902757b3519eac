//! The provider-side organisation or project that owns keys and limits.

use std::time::Duration;

use uuid::Uuid;

use super::disablement::Disablement;
use super::endpoint::Endpoint;
use super::health::Cause;
use super::id::Id;
use super::key::Meta;
use super::profile::{Placement, Profile};

/// An account, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Uid, revision, labels and times.
    pub meta: Meta,
    /// The last segment of its name.
    pub id: Id,
    /// How its provider is spoken to.
    pub profile: Profile,
    /// Where its secrets may be sent.
    pub endpoint: Endpoint,
    /// Where a generic provider expects the key.
    pub placement: Option<Placement>,
    /// Its own rotation interval.
    pub rotation_interval: Option<Duration>,
    /// What becomes of limits that the provider states.
    pub learned_limits: LearnedLimits,
    /// A person's word.
    pub disablement: Option<Disablement>,
}

/// What becomes of a limit that the provider states and that is not the configured one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LearnedLimits {
    /// It is shown, and people are told.
    #[default]
    Alert,
    /// A configured limit that is higher is lowered to it besides.
    Adopt,
}

impl LearnedLimits {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Adopt => "adopt",
        }
    }

    /// From what is stored: nothing is adopted by a word that is not known.
    #[must_use]
    pub fn from_stored(name: &str) -> Self {
        match name {
            "adopt" => Self::Adopt,
            _ => Self::Alert,
        }
    }
}

/// What an account, or one of its models, cools down from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooldown {
    /// The account.
    pub account_uid: Uuid,
    /// Empty for the account as a whole.
    pub model: String,
    /// Until when, and why.
    pub cause: Cause,
}
