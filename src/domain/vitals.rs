//! The life signs of one version as one replica sees them: its health, its failures in a row, and its canary.

use std::time::Duration;

use super::health::{Cause, FailureClass, Health};
use super::pool::HealthPolicy;
use super::time::Timestamp;

mod faults;
mod rows;
mod verdicts;
mod words;

use faults::FaultRun;
pub use verdicts::Word;
pub use words::Words;

/// The life signs of one version.
#[derive(Debug, Clone, Default)]
pub struct Vitals {
    health: Health,
    unexplained: FaultRun,
    faults: FaultRun,
    words: Words,
    /// The same of doubted callers' rows of failures.
    rows: Words,
    recovered: Option<Timestamp>,
}

/// What happens to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The provider did what was asked.
    Success {
        /// The use was the canary's: only that decides over a dead version, since others may have been sent before it died.
        is_canary: bool,
    },
    /// The provider says that the key is no good, by a caller's word.
    Rejected(Word),
    /// A probe says how the key is: well, or no good.
    Probed {
        /// The provider took the key.
        is_well: bool,
    },
    /// A failure that nobody can name; told apart from what all meet as a fault of the provider is.
    Unexplained {
        /// When another version of the same provider last succeeded.
        others_succeeded: Option<Timestamp>,
        /// Whose word it is.
        word: Word,
    },
    /// 5xx; `others_succeed` since then at the same provider says that it is not the provider.
    ProviderFault {
        /// When another version of the same provider last succeeded.
        others_succeeded: Option<Timestamp>,
        /// Whose word it is.
        word: Word,
    },
    /// A budget of the key itself is spent until then.
    Cools(&'a Cause),
    /// Anything that says nothing about the version.
    Neutral,
    /// A person, or another replica, says how it is now.
    Told(&'a Health),
}

/// Whether a lease may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// An ordinary lease.
    Normal,
    /// A dead version has served its time: a single lease is to decide over it, if this replica has the right to give that.
    Due,
    /// That single lease, which may be reported for so long at most.
    Canary(Duration),
    /// The right to it is being asked for: no lease before this time, as far as is known.
    Awaited(Timestamp),
    /// No lease before this time.
    Cooling(Timestamp),
    /// No lease before this time.
    Dead(Timestamp),
}

impl Vitals {
    /// Whether a lease may be given at `now`.
    #[must_use]
    pub fn admission(&self, now: Timestamp) -> Admission {
        match &self.health {
            Health::Active => Admission::Normal,
            Health::Cooling(cause) if now < cause.until => Admission::Cooling(cause.until),
            Health::Cooling(_) => Admission::Normal,
            Health::Dead(cause) if now < cause.until => Admission::Dead(cause.until),
            Health::Dead(_) => Admission::Due,
        }
    }

    /// When it became well after having been dead.
    #[must_use]
    pub const fn recovered(&self) -> Option<Timestamp> {
        self.recovered
    }

    /// The fleet knows when that was.
    pub const fn recovered_at(&mut self, at: Option<Timestamp>) {
        self.recovered = at;
    }

    /// Moves on. `Some` is a change of health that the fleet must know.
    pub fn on(
        &mut self,
        event: Event<'_>,
        policy: &HealthPolicy,
        why: &str,
        now: Timestamp,
    ) -> Option<Health> {
        match event {
            Event::Success { is_canary } => self.succeed(is_canary, now),
            Event::Rejected(word) => self.reject(word, policy, why, now),
            Event::Probed { is_well: true } => self.proven_well(now),
            Event::Probed { is_well: false } => self.refute(policy, why, now),
            Event::Unexplained {
                others_succeeded,
                word,
            } => {
                let row = self.unexplained.on(others_succeeded, word.by, now);
                self.judge(row, (word, FailureClass::Unknown), policy, why, now)
            }
            Event::ProviderFault {
                others_succeeded,
                word,
            } => {
                let row = self.faults.on(others_succeeded, word.by, now);
                self.judge(row, (word, FailureClass::ProviderFault), policy, why, now)
            }
            Event::Cools(cause) => self.cool(cause, now),
            Event::Neutral => None,
            Event::Told(health) => {
                if *health == Health::Active {
                    self.forget_streak();
                    self.words.clear();
                    self.rows.clear();
                }
                self.health = health.clone();
                None
            }
        }
    }

    /// How it is at `now`: states whose time has passed are over, except that a dead version waits for its canary.
    #[must_use]
    pub fn health(&self, now: Timestamp) -> Health {
        match &self.health {
            Health::Cooling(cause) if now >= cause.until => Health::Active,
            health @ (Health::Active | Health::Cooling(_) | Health::Dead(_)) => health.clone(),
        }
    }

    /// Failures in a row of the kind that is nearer to cooling it: those that nobody can name and faults of the provider are counted apart.
    #[must_use]
    pub fn streak(&self) -> u32 {
        self.unexplained.count().max(self.faults.count())
    }

    fn succeed(&mut self, is_canary: bool, now: Timestamp) -> Option<Health> {
        self.forget_streak();
        let is_over = matches!(&self.health, Health::Dead(cause) if now >= cause.until);
        if !is_canary || !is_over {
            return None;
        }
        self.health = Health::Active;
        self.recovered = Some(now);
        self.words.clear();
        self.rows.clear();
        Some(Health::Active)
    }

    /// Of two cooldowns the later end counts; no cooldown ends a death, but its canary waits for the budget: it would only find that spent.
    fn cool(&mut self, cause: &Cause, now: Timestamp) -> Option<Health> {
        let cooling = match &self.health {
            Health::Cooling(held) if now < held.until => Health::Cooling(cause.onto(held)?),
            Health::Active | Health::Cooling(_) => Health::Cooling(cause.clone()),
            Health::Dead(held) => {
                let is_news = held.until < cause.believed();
                let news = is_news.then(|| Health::Cooling(cause.clone()))?;
                self.health = Health::Dead(held.held_out(cause));
                return Some(news);
            }
        };
        self.health = cooling.clone();
        Some(cooling)
    }

    /// Whether a budget of it is spent by one caller's word alone.
    #[must_use]
    pub fn is_alleged(&self, now: Timestamp) -> bool {
        matches!(&self.health, Health::Cooling(cause) if now < cause.until && cause.accuser.is_some())
    }

    /// A single lease has found that it is not. Answers whether that was the matter. It had not been dead: it has nothing to grow back to,
    /// and what others met meanwhile says how it is.
    pub fn unspent(&mut self, now: Timestamp) -> bool {
        let is_alleged = self.is_alleged(now);
        if is_alleged {
            self.health = Health::Active;
        }
        is_alleged
    }

    fn forget_streak(&mut self) {
        self.unexplained = FaultRun::NONE;
        self.faults = FaultRun::NONE;
    }
}

fn cause(now: Timestamp, ttl: Duration, why: &str, class: FailureClass) -> Cause {
    Cause::new(now.after(ttl), class, why.to_owned())
}

#[cfg(test)]
mod tests;
