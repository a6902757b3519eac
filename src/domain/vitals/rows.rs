//! What failures in a row come to: where one caller alone reports them, a quarantine that a canary ends; where several do, a cooldown.

use std::time::Duration;

use uuid::Uuid;

use super::{Vitals, Word, cause};
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::pool::{HealthPolicy, VerdictPolicy};
use crate::domain::time::Timestamp;

/// Whose reports a row is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Voice {
    #[default]
    Nobody,
    One(Uuid),
    Several,
}

impl Voice {
    /// One more speaks.
    pub(super) fn and(self, by: Uuid) -> Self {
        match self {
            Self::Nobody => Self::One(by),
            Self::One(first) if first == by => self,
            Self::One(_) | Self::Several => Self::Several,
        }
    }
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row {
    pub(super) count: u32,
    pub(super) voice: Voice,
}

impl Vitals {
    /// A row has grown by this word.
    pub(super) fn judge(
        &mut self,
        row: Row,
        (word, class): (Word, FailureClass),
        policy: &HealthPolicy,
        why: &str,
        now: Timestamp,
    ) -> Option<Health> {
        let is_confirmed = self.is_confirmed(row, word, class, now);
        if !is_confirmed && row.count < policy.failure_threshold() {
            return None;
        }
        self.forget_streak();
        match row.voice {
            Voice::One(by) if !is_confirmed && policy.verdicts == VerdictPolicy::Confirm => {
                let quarantine = policy.quarantine().min(policy.unhealthy_ttl());
                let is_doubted = word.is_doubted;
                self.allege(
                    (by, is_doubted),
                    cause(now, quarantine, why, class),
                    policy,
                    now,
                )
            }
            Voice::Nobody | Voice::One(_) | Voice::Several => {
                self.ail(cause(now, policy.unhealthy_ttl(), why, class), now)
            }
        }
    }

    /// Whether this is what a canary was to find out of one caller's row. A doubted caller's own canary is no second word.
    fn is_confirmed(&self, row: Row, word: Word, class: FailureClass, now: Timestamp) -> bool {
        let Health::Dead(held) = &self.health else {
            return false;
        };
        let is_tried = word.is_canary && row.count > 0 && held.class == class && now >= held.until;
        let is_anothers = held.accuser.is_some_and(|by| by != word.by);
        is_tried && (is_anothers || held.accuser.is_some() && !word.is_doubted)
    }

    /// One caller's row: another's beside it makes it a cooldown, and its own again says no more.
    fn allege(
        &mut self,
        (by, is_doubted): (Uuid, bool),
        quarantine: Cause,
        policy: &HealthPolicy,
        now: Timestamp,
    ) -> Option<Health> {
        let full = |cause: &Cause| Cause {
            until: now.after(policy.unhealthy_ttl()),
            ..cause.clone()
        };
        match &self.health {
            Health::Dead(held) if held.is_row() => {
                let is_second = held.accuser != Some(by);
                return is_second.then(|| self.ail(full(&quarantine), now))?;
            }
            Health::Dead(_) => return None,
            Health::Cooling(held) if now < held.until => return None,
            Health::Active | Health::Cooling(_) => {}
        }
        if self.rows.has_another(by, now) {
            return self.ail(full(&quarantine), now);
        }
        if is_doubted {
            self.rows.note(by, quarantine.until, now);
            return None;
        }
        self.health = Health::Dead(Cause {
            accuser: Some(by),
            ..quarantine
        });
        Some(self.health.clone())
    }

    /// Cools down; nothing new if it does already, as a burst of the same failure would have it, or is dead by more than one caller's row.
    fn ail(&mut self, cause: Cause, now: Timestamp) -> Option<Health> {
        let may = match &self.health {
            Health::Active => true,
            Health::Cooling(held) => now >= held.until,
            Health::Dead(held) => held.is_row(),
        };
        may.then(|| {
            self.rows.clear();
            self.health = Health::Cooling(cause);
            self.health.clone()
        })
    }
}

impl HealthPolicy {
    /// How long a version is out by what two callers say of it.
    #[must_use]
    pub fn confirmed_ttl(&self, class: FailureClass) -> Duration {
        if class == FailureClass::Credential {
            self.dead_ttl()
        } else {
            self.unhealthy_ttl()
        }
    }
}

#[cfg(test)]
mod tests;
