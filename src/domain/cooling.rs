//! What one account, one of its models, or one key cools down from.

use std::time::Duration;

use uuid::Uuid;

mod allegation;
mod by_model;
mod closure;
mod place;
mod room;

pub use allegation::Weight;
use allegation::{Alone, said};
pub use by_model::Cooldowns;
pub use place::{UNNAMED, place_of, places};
use room::{room, room_for};

use super::backoff::Backoff;
use super::canary::SINGLE_LASTS_MAX;
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

/// A failure, as far as it cools what it is blamed on.
#[derive(Debug, Clone, Copy)]
pub struct Failing<'a> {
    /// What it is about.
    pub class: FailureClass,
    /// After how long the response says it is over.
    pub stated: Option<Duration>,
    /// In our own words.
    pub why: &'a str,
}

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
    /// When a lease of this replica went out to find out whether it is so.
    tried: Option<Timestamp>,
    /// Who alone has spoken of it here since the last success.
    alone: Option<Alone>,
    /// When the word of one caller would have ended that a lease of this replica has found not to be so.
    refuted_until: Option<Timestamp>,
}

impl Cooling {
    /// When it ends, if it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> Option<&Cause> {
        self.cause.as_ref().filter(|cause| now < cause.until)
    }

    /// The same for one caller: what one caller alone says is in time tried by single leases, by its own only where nobody else asks.
    #[must_use]
    pub fn bars(&self, caller: Uuid, patience: Duration, now: Timestamp) -> Option<&Cause> {
        let cause = self.holds(now)?;
        let (Some(accuser), Some(tried)) = (cause.accuser, cause.tried) else {
            return Some(cause);
        };
        let from = if accuser == caller {
            tried.after(patience)
        } else {
            tried
        };
        let is_out = self
            .tried
            .is_some_and(|tried| now.since(tried) < SINGLE_LASTS_MAX);
        (now < from || is_out).then_some(cause)
    }

    /// A lease goes out to find out: no other of this replica for a while.
    pub const fn is_tried(&mut self, now: Timestamp) {
        self.tried = Some(now);
    }

    /// It did not go out after all.
    pub const fn is_untried(&mut self) {
        self.tried = None;
    }

    /// A failure was blamed on it: cools for what was stated, else for a time that doubles. `jitter` is from 0 to 1 and makes the
    /// unstated ones up to a quarter longer. `Some` is news that the fleet must know. Failures of requests that were under way when
    /// it began to cool are one strike, not many.
    pub fn blame_by(
        &mut self,
        weight: Weight,
        failing: Failing<'_>,
        jitter: f64,
        now: Timestamp,
    ) -> Option<Cause> {
        let Failing { class, stated, why } = failing;
        let backoff = Backoff::of(class);
        let stated = backoff.stated(stated);
        let held = self.holds(now);
        let found = weight.tried(held);
        // What a trial finds is no part of the burst that began it.
        let is_found = found != weight || weight.is_trial_of_closure(held);
        let is_same = !is_found && held.is_some_and(|held| held.class == class);
        let is_seconded = held.is_some_and(|held| weight.seconds(held));
        if is_same && stated.is_none() && !is_seconded {
            return None;
        }
        if self.struck_by != Some(class) {
            self.strikes = 0;
            self.struck_by = Some(class);
        }
        if !is_same {
            self.strikes = self.strikes.saturating_add(1);
        }
        let unstated = backoff.unstated(self.strikes, jitter);
        self.extend(found, class, stated.unwrap_or(unstated), why, now)
    }

    /// A budget is said to be spent before anything failed: cools until it is back, and is no strike. `Some` is news that the fleet must
    /// know; what is over before the others would hear of it is none.
    pub fn spend(
        &mut self,
        weight: Weight,
        class: FailureClass,
        wait: Duration,
        why: &str,
        now: Timestamp,
    ) -> Option<Cause> {
        let told = self.told_until;
        let news = self.extend(weight, class, wait, why, now);
        if wait < HEARD_WITHIN {
            self.told_until = told;
            return None;
        }
        news
    }

    fn extend(
        &mut self,
        weight: Weight,
        class: FailureClass,
        pause: Duration,
        why: &str,
        now: Timestamp,
    ) -> Option<Cause> {
        let (since, goes_on) = self.alone(weight, now);
        let held = self.holds(now);
        let said = said(weight, class, now.after(pause), why, (held, since, now))?;
        let said = Cause {
            strikes: self.strikes,
            ..said
        };
        let joined = match held {
            None => said.clone(),
            Some(held) if goes_on => said.prolonging(held),
            Some(held) => held.clone().joined(&said),
        };
        if held == Some(&joined) {
            return None;
        }
        let is_proven = held.is_some_and(|held| held.accuser.is_some() && joined.accuser.is_none());
        let is_later_tried = held.is_some_and(|held| held.tried != joined.tried);
        let is_told = self
            .told_until
            .is_some_and(|told| joined.until < told.after(NEWS_MIN));
        let is_news = held.is_none() || !is_told || is_proven || is_later_tried;
        self.cause = Some(joined.clone());
        if !is_news {
            return None;
        }
        self.told_until = Some(joined.until);
        Some(joined)
    }

    /// A success ends the doubling, not the cooldown: it may have been sent before the failure.
    pub fn succeed(&mut self, now: Timestamp) {
        if self.holds(now).is_none() {
            self.strikes = 0;
            self.alone = None;
        }
    }

    /// Another replica says so: the later end counts, and the more strikes. What has been found not to be so was read before that was
    /// committed.
    pub fn told(&mut self, cause: Cause) {
        if cause.accuser.is_some() && self.refuted_until == Some(cause.until) {
            return;
        }
        if cause.strikes > 0 {
            let same = self.struck_by == Some(cause.class);
            self.strikes = cause.strikes.max(if same { self.strikes } else { 0 });
            self.struck_by = Some(cause.class);
        }
        let held = self.cause.take();
        let joined = held.map_or_else(|| cause.clone(), |held| held.joined(&cause));
        if self.told_until.is_none_or(|told| told < cause.until) {
            self.told_until = Some(cause.until);
        }
        self.cause = Some(joined);
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
