//! Verdicts on a version: what one caller's word does, what confirms it, and who may try the version next.

use std::time::Duration;

use uuid::Uuid;

use super::{Admission, Vitals, cause};
use crate::domain::accusers::Matter;
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::pool::{HealthPolicy, VerdictPolicy};
use crate::domain::time::Timestamp;

/// A caller's word against a key: that it is no good, or that it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Whose it is.
    pub by: Uuid,
    /// It is about the canary's use.
    pub is_canary: bool,
    /// The caller has been wrong so often lately that its word alone is not enough.
    pub is_doubted: bool,
}

impl Vitals {
    /// The same for one caller: whoever accused a version lets others try it first, and is not given what its own word is against.
    #[must_use]
    pub fn admission_of(&self, caller: Uuid, patience: Duration, now: Timestamp) -> Admission {
        let admission = self.admission(now);
        match (&admission, &self.health) {
            (Admission::Normal, _) => {
                let own = self.words.of(caller, now).max(self.rows.of(caller, now));
                own.map_or(admission, Admission::Dead)
            }
            (Admission::Due, Health::Dead(held)) if held.accuser == Some(caller) => {
                let until = held.until.after(patience);
                if now < until {
                    Admission::Dead(until)
                } else {
                    admission
                }
            }
            _ => admission,
        }
    }

    /// Whose word alone it is that the version is dead, and of what.
    #[must_use]
    pub fn accused(&self) -> Option<(Uuid, Matter)> {
        let cause = self.health.cause()?;
        let accuser = cause.accuser.filter(|by| !by.is_nil())?;
        Some((accuser, Matter::of(cause.class)))
    }

    /// One caller's word: death where the pool trusts it, where the version was proven dead before, and where it confirms another's. Else
    /// a quarantine; of a caller that is doubted only for itself.
    pub(super) fn reject(
        &mut self,
        word: Word,
        policy: &HealthPolicy,
        why: &str,
        now: Timestamp,
    ) -> Option<Health> {
        let accuser = match &self.health {
            Health::Dead(held) if held.accuser.is_none() => return self.die(policy, why, now),
            // A row of failures is no word that the key is no good.
            Health::Dead(held) => held.accuser.filter(|_| !held.is_row()),
            Health::Active | Health::Cooling(_) => None,
        };
        let is_confirmed = accuser.is_some_and(|by| by != word.by)
            || self.words.has_another(word.by, now)
            || accuser.is_some() && word.is_canary && !word.is_doubted;
        if is_confirmed || policy.verdicts == VerdictPolicy::Trust {
            return self.die(policy, why, now);
        }
        // Its second word on another lease says no more than the first.
        if accuser.is_some() && !word.is_canary {
            return None;
        }
        let until = now.after(policy.quarantine());
        if word.is_doubted && accuser.is_none() {
            self.words.note(word.by, until, now);
            return None;
        }
        self.health = Health::Dead(Cause {
            accuser: Some(word.by),
            ..cause(now, policy.quarantine(), why, FailureClass::Credential)
        });
        Some(self.health.clone())
    }

    /// Dead for the whole time, unless it is already.
    pub(super) fn die(
        &mut self,
        policy: &HealthPolicy,
        why: &str,
        now: Timestamp,
    ) -> Option<Health> {
        let lasting = matches!(&self.health, Health::Dead(held) if held.accuser.is_none() && now < held.until);
        if lasting {
            return None;
        }
        self.words.clear();
        let cause = cause(now, policy.dead_ttl(), why, FailureClass::Credential);
        self.health = Health::Dead(cause);
        Some(self.health.clone())
    }

    /// The provider itself says so: dead for the whole time from now on. Of two ends the later counts.
    pub(super) fn refute(
        &mut self,
        policy: &HealthPolicy,
        why: &str,
        now: Timestamp,
    ) -> Option<Health> {
        let cause = cause(now, policy.dead_ttl(), why, FailureClass::Credential);
        let stands = matches!(&self.health, Health::Dead(held) if held.accuser.is_none() && held.until >= cause.until);
        if stands {
            return None;
        }
        self.words.clear();
        self.health = Health::Dead(cause);
        Some(self.health.clone())
    }

    /// Its time as a dead one is over: the canary decides.
    pub(super) fn proven_well(&mut self, now: Timestamp) -> Option<Health> {
        self.words.clear();
        match &mut self.health {
            Health::Dead(held) if now < held.until => held.until = now,
            Health::Active | Health::Cooling(_) | Health::Dead(_) => return None,
        }
        Some(self.health.clone())
    }
}

#[cfg(test)]
mod tests;
