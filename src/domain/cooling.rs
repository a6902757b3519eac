//! What one account, one of its models, or one key cools down from.

use std::time::Duration;

use uuid::Uuid;

mod by_model;
mod room;

pub use by_model::Cooldowns;
use room::{room, room_for};

use super::backoff::Backoff;
use super::health::{Cause, FailureClass};
use super::time::Timestamp;

/// A cooldown that ends later by less than this is obeyed here, and no news for the others.
const NEWS_MIN: Duration = Duration::from_millis(500);
/// The others hear of a cooldown within a poll.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// The most models of one account whose cooldowns are kept, in memory and in the database; what has ended makes room first, then what
/// ends first: a cooldown that is news always finds a place, and the longest stay longest.
pub const ACCOUNT_MODELS_MAX: usize = 256;

/// The most of them that the reports of one caller begin on one replica, so that names which one makes up push out nobody's: no provider
/// has so many models, and others' reports are heard of any.
pub const CALLER_MODELS_MAX: usize = 64;

/// The most models of one key version whose cooldowns are kept: there are many more versions than accounts.
pub const VERSION_MODELS_MAX: usize = 64;

/// The most of them that the reports of one caller begin on one replica.
pub const VERSION_CALLER_MODELS_MAX: usize = 16;

/// What an account cools down from, as a whole and by model.
pub type AccountCooldowns = Cooldowns<ACCOUNT_MODELS_MAX, CALLER_MODELS_MAX>;

/// What single models of a key version cool down from.
pub type VersionCooldowns = Cooldowns<VERSION_MODELS_MAX, VERSION_CALLER_MODELS_MAX>;

/// The cooldown of an account, of one of its models, or of a key.
#[derive(Debug, Clone, Default)]
pub struct Cooling {
    cause: Option<Cause>,
    /// When it ends as far as the fleet was told.
    told_until: Option<Timestamp>,
    /// Cooldowns of `struck_by` since the last success.
    strikes: u32,
    struck_by: Option<FailureClass>,
    /// The caller whose report began it, where that was on this replica.
    begun_by: Option<Uuid>,
}

impl Cooling {
    /// When it ends, if it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> Option<&Cause> {
        self.cause.as_ref().filter(|cause| now < cause.until)
    }

    /// A failure was blamed on it: cools for what was stated, else for a time that doubles. `jitter` is from 0 to 1 and makes the
    /// unstated ones up to a quarter longer. `Some` is news that the fleet must know. Failures of requests that were under way when
    /// it began to cool are one strike, not many.
    pub fn blame(
        &mut self,
        class: FailureClass,
        stated: Option<Duration>,
        jitter: f64,
        why: &str,
        now: Timestamp,
    ) -> Option<Cause> {
        let backoff = Backoff::of(class);
        let stated = backoff.stated(stated);
        let holding = self.holds(now).map(|cause| (cause.until, cause.class));
        let is_same = holding.is_some_and(|(_, held)| held == class);
        if is_same && stated.is_none() {
            return None;
        }
        if self.struck_by != Some(class) {
            self.strikes = 0;
            self.struck_by = Some(class);
        }
        if !is_same {
            self.strikes = self.strikes.saturating_add(1);
        }
        let pause = stated.unwrap_or_else(|| backoff.unstated(self.strikes, jitter));
        self.extend(class, pause, why, now)
    }

    /// A budget is said to be spent before anything failed: cools until it is back, and is no strike. `Some` is news that the fleet must
    /// know; what is over before the others would hear of it is none.
    pub fn spend(
        &mut self,
        class: FailureClass,
        wait: Duration,
        why: &str,
        now: Timestamp,
    ) -> Option<Cause> {
        let told = self.told_until;
        let news = self.extend(class, wait, why, now);
        if wait < HEARD_WITHIN {
            self.told_until = told;
            return None;
        }
        news
    }

    fn extend(
        &mut self,
        class: FailureClass,
        pause: Duration,
        why: &str,
        now: Timestamp,
    ) -> Option<Cause> {
        let until = now.after(pause);
        let held = self.holds(now).map(|cause| cause.until);
        if held.is_some_and(|held| until <= held) {
            return None;
        }
        let cause = Cause {
            until,
            why: why.to_owned(),
            class,
            accuser: None,
        };
        self.cause = Some(cause.clone());
        let is_told = self
            .told_until
            .is_some_and(|told| until < told.after(NEWS_MIN));
        if held.is_some() && is_told {
            return None;
        }
        self.told_until = Some(until);
        Some(cause)
    }

    /// A success ends the doubling, not the cooldown: it may have been sent before the failure.
    pub fn succeed(&mut self, now: Timestamp) {
        if self.holds(now).is_none() {
            self.strikes = 0;
        }
    }

    /// Another replica says so: the later end counts.
    pub fn told(&mut self, cause: Cause) {
        if self
            .cause
            .as_ref()
            .is_none_or(|held| held.until < cause.until)
        {
            self.told_until = Some(cause.until);
            self.cause = Some(cause);
        }
    }

    /// A person says that it is over.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// From 0 to 1, by the last digits of the time: what is pure has no better source, and nothing is guarded by it.
#[must_use]
pub fn jitter(now: Timestamp) -> f64 {
    f64::from(u16::try_from(now.micros() % 1_000).unwrap_or(0)) / 1_000.0
}

#[cfg(test)]
mod tests;
