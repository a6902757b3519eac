//! The life signs of one version as one replica sees them: its health, its failures in a row, and its canary.

use std::time::Duration;

use super::health::{Cause, FailureClass, Health};
use super::pool::HealthPolicy;
use super::time::Timestamp;

mod faults;

use faults::FaultRun;

/// The life signs of one version.
#[derive(Debug, Clone, Default)]
pub struct Vitals {
    health: Health,
    unexplained: u32,
    faults: FaultRun,
    canary_until: Option<Timestamp>,
}

/// What happens to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The provider did what was asked.
    Success {
        /// The use was the canary's: only that decides over a dead version, since others may have been sent before it died.
        is_canary: bool,
    },
    /// The provider says that the key is no good.
    Rejected,
    /// A probe says how the key is: well, or no good.
    Probed {
        /// The provider took the key.
        is_well: bool,
    },
    /// A failure that no rule explains.
    Unexplained,
    /// 5xx or a timeout; `others_succeed` since then at the same provider says that it is not the provider.
    ProviderFault {
        /// When another version of the same provider last succeeded.
        others_succeeded: Option<Timestamp>,
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
    /// The single lease that decides over a dead version.
    Canary,
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
            Health::Dead(_) => match self.canary_until {
                Some(until) if now < until => Admission::Dead(until),
                _ => Admission::Canary,
            },
        }
    }

    /// The canary lease is out until then at most.
    pub const fn send_canary(&mut self, until: Timestamp) {
        self.canary_until = Some(until);
    }

    /// The canary lease came back without saying anything.
    pub const fn recall_canary(&mut self) {
        self.canary_until = None;
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
            Event::Rejected => {
                let ttl = policy.dead_ttl();
                self.worsen(
                    Health::Dead(cause(now, ttl, why, FailureClass::Credential)),
                    now,
                )
            }
            Event::Probed { is_well: true } => self.proven_well(now),
            Event::Probed { is_well: false } => {
                let ttl = policy.dead_ttl();
                self.confirm(cause(now, ttl, why, FailureClass::Credential))
            }
            Event::Unexplained => {
                self.unexplained = self.unexplained.saturating_add(1);
                let count = self.unexplained;
                self.judge(count, FailureClass::Unknown, policy, why, now)
            }
            Event::ProviderFault { others_succeeded } => {
                let count = self.faults.on(others_succeeded, now);
                self.judge(count, FailureClass::ProviderFault, policy, why, now)
            }
            Event::Cools(cause) => self.cool(cause, now),
            Event::Neutral => None,
            Event::Told(health) => {
                if *health == Health::Active {
                    self.forget_streak();
                }
                if *health != self.health {
                    self.canary_until = None;
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

    /// Failures in a row of the kind that is nearer to cooling it: those that no rule explains and faults of the provider are counted apart.
    #[must_use]
    pub fn streak(&self) -> u32 {
        self.unexplained.max(self.faults.count())
    }

    fn succeed(&mut self, is_canary: bool, now: Timestamp) -> Option<Health> {
        self.forget_streak();
        let is_over = matches!(&self.health, Health::Dead(cause) if now >= cause.until);
        if !is_canary || !is_over {
            return None;
        }
        self.canary_until = None;
        self.health = Health::Active;
        Some(Health::Active)
    }

    fn judge(
        &mut self,
        in_a_row: u32,
        class: FailureClass,
        policy: &HealthPolicy,
        why: &str,
        now: Timestamp,
    ) -> Option<Health> {
        if in_a_row < policy.failure_threshold() {
            return None;
        }
        self.forget_streak();
        self.worsen(
            Health::Cooling(cause(now, policy.unhealthy_ttl(), why, class)),
            now,
        )
    }

    /// Takes on a worse state; nothing new if it is in as bad a one already, as a burst of the same failure would have it.
    fn worsen(&mut self, health: Health, now: Timestamp) -> Option<Health> {
        self.canary_until = None;
        let lasting = self.health.cause().is_some_and(|cause| now < cause.until);
        let worse = match (&self.health, &health) {
            (Health::Dead(_), _) if lasting => false,
            (Health::Cooling(_), Health::Cooling(_)) if lasting => false,
            (Health::Dead(_), Health::Cooling(_)) => false,
            _ => true,
        };
        if !worse {
            return None;
        }
        self.health = health.clone();
        Some(health)
    }

    /// Its time as a dead one is over: the canary decides.
    fn proven_well(&mut self, now: Timestamp) -> Option<Health> {
        match &mut self.health {
            Health::Dead(held) if now < held.until => held.until = now,
            Health::Active | Health::Cooling(_) | Health::Dead(_) => return None,
        }
        Some(self.health.clone())
    }

    /// Dead for as long as the policy has it, from now on: of two ends the later counts.
    fn confirm(&mut self, cause: Cause) -> Option<Health> {
        if matches!(&self.health, Health::Dead(held) if held.until >= cause.until) {
            return None;
        }
        self.canary_until = None;
        self.health = Health::Dead(cause);
        Some(self.health.clone())
    }

    /// Of two cooldowns the later end counts; no cooldown ends a death.
    fn cool(&mut self, cause: &Cause, now: Timestamp) -> Option<Health> {
        let longer = match &self.health {
            Health::Active => true,
            Health::Cooling(held) => held.until < cause.until || now >= held.until,
            Health::Dead(_) => false,
        };
        longer.then(|| {
            self.health = Health::Cooling(cause.clone());
            self.health.clone()
        })
    }

    const fn forget_streak(&mut self) {
        self.unexplained = 0;
        self.faults = FaultRun::NONE;
    }
}

fn cause(now: Timestamp, ttl: Duration, why: &str, class: FailureClass) -> Cause {
    Cause {
        until: now.after(ttl),
        why: why.to_owned(),
        class,
    }
}

#[cfg(test)]
mod tests;
