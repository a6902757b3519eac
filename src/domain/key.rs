//! Keys and their immutable versions.

use std::time::Duration;

use uuid::Uuid;

use super::disablement::Disablement;
use super::distrust::Distrust;
use super::health::{Cause, Health};
use super::id::Id;
use super::labels::Labels;
use super::models::ModelRules;
use super::time::Timestamp;

/// From one rotation to the next where nobody says otherwise: a week.
pub const ROTATION_INTERVAL_DEFAULT: Duration = Duration::from_hours(168);
/// The shortest rotation interval.
pub const ROTATION_INTERVAL_MIN: Duration = Duration::from_hours(1);
/// The longest rotation interval: ten years.
pub const ROTATION_INTERVAL_MAX: Duration = Duration::from_hours(24 * 3653);

/// What every resource has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Immutable.
    pub uid: Uuid,
    /// The revision of its last change; the etag is made of it.
    pub rev: i64,
    /// Free labels.
    pub labels: Labels,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// Why it is not believed, where whoever read it found that; no column has it.
    pub distrust: Option<Distrust>,
}

impl Meta {
    /// Of a resource that is made at `now`; the revision comes with its change.
    #[must_use]
    pub const fn created(uid: Uuid, rev: i64, labels: Labels, now: Timestamp) -> Self {
        Self {
            uid,
            rev,
            labels,
            create_time: now,
            update_time: now,
            distrust: None,
        }
    }

    /// Notes a change.
    pub const fn touch(&mut self, rev: i64, now: Timestamp) {
        self.rev = rev;
        self.update_time = now;
    }

    /// Changes whenever the resource does.
    #[must_use]
    pub fn etag(&self) -> String {
        etag(self.rev)
    }
}

/// The etag of a resource whose last change is `rev`.
#[must_use]
pub fn etag(rev: i64) -> String {
    format!("{rev:x}")
}

/// A key, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Uid, revision, labels and times.
    pub meta: Meta,
    /// The account that owns it.
    pub account_uid: Uuid,
    /// The last segment of its name.
    pub id: Id,
    /// Which models it serves.
    pub models: ModelRules,
    /// Its own rotation interval.
    pub rotation_interval: Option<Duration>,
    /// A person's word.
    pub disablement: Option<Disablement>,
}

/// What one model of a version cools down from, where the provider counts it by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCooldown {
    /// The version.
    pub version_uid: Uuid,
    /// As the provider names it.
    pub model: String,
    /// Until when, and why.
    pub cause: Cause,
}

/// Where in its life a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Stored, not leased yet.
    Pending,
    /// The one that leases get.
    Current,
    /// Replaced; reports on its leases still count for it.
    Previous,
    /// Over; its secret is erased.
    Revoked,
}

impl Stage {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Pending, "pending"),
        (Self::Current, "current"),
        (Self::Previous, "previous"),
        (Self::Revoked, "revoked"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(stage, _)| *stage == self)
            .map_or("", |(_, name)| name)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(stage, _)| *stage)
    }
}

/// An immutable secret of a key, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVersion {
    /// Uid, revision and times; versions have no labels.
    pub meta: Meta,
    /// The key it is of.
    pub key_uid: Uuid,
    /// From 1 on.
    pub number: u32,
    /// Where in its life it is.
    pub stage: Stage,
    /// How well it is.
    pub health: Health,
    /// When it became well after having been dead: its share grows from then on.
    pub recover_time: Option<Timestamp>,
    /// When it became current.
    pub promote_time: Option<Timestamp>,
    /// When it was revoked.
    pub revoke_time: Option<Timestamp>,
    /// When the last lease of a previous version has ended.
    pub drain_until: Option<Timestamp>,
    /// The hosts its secrets are sealed for, sorted.
    pub sealed_hosts: Vec<String>,
}
