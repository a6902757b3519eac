//! Verdicts that are not committed yet: of which versions, so that they are tried again when the database is back.

use std::collections::HashSet;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::time::Timestamp;

/// A version that was judged, and its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Judgement {
    /// The account.
    pub account_uid: Uuid,
    /// The version.
    pub version_uid: Uuid,
    /// The canary that decided over it, if one did: its right ends with that.
    pub canary: Option<Decided>,
}

/// A canary that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decided {
    /// The replica that gave it.
    pub issuer: Uuid,
    /// When it was given.
    pub given: Timestamp,
}

/// Verdicts that the fleet has to know of yet. There are no more of them than versions.
#[derive(Debug, Default)]
pub struct Owed(Mutex<HashSet<Judgement>>);

impl Owed {
    /// There is one.
    pub fn note(&self, judgement: Judgement) {
        self.0.lock().insert(judgement);
    }

    /// All is committed.
    pub fn settled(&self, judgement: Judgement) {
        self.0.lock().remove(&judgement);
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Judgement> {
        self.0.lock().iter().copied().collect()
    }
}
