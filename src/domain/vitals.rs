//! The life signs of one version as one replica sees them: its health, its failures in a row, and its canary.

use std::time::Duration;

use super::health::{Cause, FailureClass, Health};
use super::pool::HealthPolicy;
use super::time::Timestamp;

/// The life signs of one version.
#[derive(Debug, Clone, Default)]
pub struct Vitals {
    health: Health,
    streak: u32,
    streak_since: Option<Timestamp>,
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
            Event::Unexplained => {
                self.fail(now);
                self.judge(true, FailureClass::Unknown, policy, why, now)
            }
            Event::ProviderFault { others_succeeded } => {
                self.fail(now);
                let alone = others_succeeded >= self.streak_since && others_succeeded.is_some();
                self.judge(alone, FailureClass::ProviderFault, policy, why, now)
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
            health => health.clone(),
        }
    }

    /// Failures in a row.
    #[must_use]
    pub const fn streak(&self) -> u32 {
        self.streak
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

    fn fail(&mut self, now: Timestamp) {
        self.streak = self.streak.saturating_add(1);
        self.streak_since.get_or_insert(now);
    }

    fn judge(
        &mut self,
        blamed: bool,
        class: FailureClass,
        policy: &HealthPolicy,
        why: &str,
        now: Timestamp,
    ) -> Option<Health> {
        if !blamed || self.streak < policy.failure_threshold() {
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
        self.streak = 0;
        self.streak_since = None;
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
mod tests {
    use super::*;

    const POLICY: HealthPolicy = HealthPolicy {
        dead_ttl: None,
        unhealthy_ttl: None,
        failure_threshold: None,
        probe_enabled: false,
        probe_interval: None,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    const SUCCESS: Event<'_> = Event::Success { is_canary: false };
    const CANARY_SUCCESS: Event<'_> = Event::Success { is_canary: true };

    fn on(vitals: &mut Vitals, event: Event<'_>, seconds: i64) -> Option<Health> {
        vitals.on(event, &POLICY, "why", at(seconds))
    }

    #[test]
    fn a_rejected_version_is_dead_for_a_day_and_is_said_to_be_so_once() {
        let mut vitals = Vitals::default();
        assert!(matches!(
            on(&mut vitals, Event::Rejected, 0),
            Some(Health::Dead(_))
        ));
        assert_eq!(on(&mut vitals, Event::Rejected, 1), None);
        assert_eq!(vitals.admission(at(86_399)), Admission::Dead(at(86_400)));
    }

    #[test]
    fn a_dead_version_comes_back_through_one_canary() {
        let mut vitals = Vitals::default();
        on(&mut vitals, Event::Rejected, 0);
        assert_eq!(vitals.admission(at(86_400)), Admission::Canary);
        vitals.send_canary(at(86_460));
        assert_eq!(vitals.admission(at(86_401)), Admission::Dead(at(86_460)));
        assert_eq!(
            on(&mut vitals, CANARY_SUCCESS, 86_410),
            Some(Health::Active)
        );
        assert_eq!(vitals.admission(at(86_411)), Admission::Normal);
    }

    #[test]
    fn a_canary_that_fails_blacklists_again() {
        let mut vitals = Vitals::default();
        on(&mut vitals, Event::Rejected, 0);
        vitals.send_canary(at(86_460));
        assert!(on(&mut vitals, Event::Rejected, 86_410).is_some());
        assert_eq!(vitals.admission(at(86_411)), Admission::Dead(at(172_810)));
    }

    #[test]
    fn a_canary_that_never_reports_makes_room_for_the_next() {
        let mut vitals = Vitals::default();
        on(&mut vitals, Event::Rejected, 0);
        vitals.send_canary(at(86_460));
        assert_eq!(vitals.admission(at(86_460)), Admission::Canary);
    }

    #[test]
    fn a_late_success_does_not_revive_a_dead_version() {
        let mut vitals = Vitals::default();
        on(&mut vitals, Event::Rejected, 0);
        assert_eq!(on(&mut vitals, CANARY_SUCCESS, 5), None);
        assert_eq!(vitals.admission(at(6)), Admission::Dead(at(86_400)));
        // Nor once its time has passed: only the canary does.
        assert_eq!(on(&mut vitals, SUCCESS, 86_401), None);
        assert_eq!(vitals.admission(at(86_402)), Admission::Canary);
    }

    #[test]
    fn five_unexplained_failures_in_a_row_cool_for_half_an_hour() {
        let mut vitals = Vitals::default();
        for second in 0..4 {
            assert_eq!(on(&mut vitals, Event::Unexplained, second), None);
        }
        assert!(matches!(
            on(&mut vitals, Event::Unexplained, 4),
            Some(Health::Cooling(_))
        ));
        assert_eq!(vitals.admission(at(5)), Admission::Cooling(at(1_804)));
        assert_eq!(vitals.admission(at(1_804)), Admission::Normal);
    }

    #[test]
    fn a_success_ends_a_streak() {
        let mut vitals = Vitals::default();
        for second in 0..40 {
            let event = if second % 5 == 4 {
                SUCCESS
            } else {
                Event::Unexplained
            };
            assert_eq!(on(&mut vitals, event, second), None);
        }
    }

    #[test]
    fn a_provider_that_fails_for_everybody_cools_no_version() {
        let mut vitals = Vitals::default();
        let event = Event::ProviderFault {
            others_succeeded: None,
        };
        for second in 0..100 {
            assert_eq!(on(&mut vitals, event, second), None);
        }
        let earlier = Event::ProviderFault {
            others_succeeded: Some(at(-1)),
        };
        assert_eq!(on(&mut vitals, earlier, 100), None);
    }

    #[test]
    fn a_version_that_fails_while_others_succeed_is_unhealthy() {
        let mut vitals = Vitals::default();
        for second in 0..4 {
            on(
                &mut vitals,
                Event::ProviderFault {
                    others_succeeded: Some(at(0)),
                },
                second,
            );
        }
        let event = Event::ProviderFault {
            others_succeeded: Some(at(3)),
        };
        assert!(matches!(
            on(&mut vitals, event, 4),
            Some(Health::Cooling(_))
        ));
    }

    #[test]
    fn being_told_it_is_active_forgets_the_past() {
        let mut vitals = Vitals::default();
        on(&mut vitals, Event::Unexplained, 0);
        on(&mut vitals, Event::Rejected, 0);
        on(&mut vitals, Event::Told(&Health::Active), 1);
        assert_eq!(vitals.admission(at(1)), Admission::Normal);
        assert_eq!(vitals.streak(), 0);
    }

    #[test]
    fn a_spent_budget_cools_until_the_later_end_and_ends_no_death() {
        let until = |seconds| {
            cause(
                at(0),
                Duration::from_secs(seconds),
                "why",
                FailureClass::Quota,
            )
        };
        let mut vitals = Vitals::default();
        assert!(on(&mut vitals, Event::Cools(&until(60)), 0).is_some());
        assert_eq!(on(&mut vitals, Event::Cools(&until(30)), 1), None);
        assert!(on(&mut vitals, Event::Cools(&until(90)), 1).is_some());
        assert_eq!(vitals.admission(at(89)), Admission::Cooling(at(90)));
        on(&mut vitals, Event::Rejected, 2);
        assert_eq!(on(&mut vitals, Event::Cools(&until(99)), 3), None);
        assert!(matches!(vitals.health(at(4)), Health::Dead(_)));
    }
}
