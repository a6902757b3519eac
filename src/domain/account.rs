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
    /// A person's word.
    pub disablement: Option<Disablement>,
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
