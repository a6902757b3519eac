//! A cooldown that is over before its time, since what it was told of has turned out to be more.

use uuid::Uuid;

use super::Cooldowns;
use crate::domain::cooling::Cooling;
use crate::domain::health::Cause;
use crate::domain::time::Timestamp;

impl Cooling {
    /// It is over. Who alone spoke of it is known still: whoever speaks again soon goes on from there.
    pub fn lift(&mut self, now: Timestamp) {
        if let Some(cause) = self.cause.as_mut().filter(|cause| now < cause.until) {
            cause.until = now;
            self.tried = None;
        }
    }
}

impl Cooling {
    /// Whether it goes on as far as the fleet was told.
    fn is_told(&self, now: Timestamp) -> bool {
        self.told_until.is_some_and(|until| now < until)
    }
}

fn is_among(stored: &[(String, Cause)], model: &str) -> bool {
    stored.iter().any(|(stored, _)| stored == model)
}

impl<const MODELS_MAX: usize, const CALLER_MODELS_MAX: usize>
    Cooldowns<MODELS_MAX, CALLER_MODELS_MAX>
{
    /// Who alone spoke of what the fleet knows no more: this is left.
    pub fn alleged_beside<'a>(
        &'a self,
        stored: &'a [(String, Cause)],
        now: Timestamp,
    ) -> impl Iterator<Item = Uuid> + 'a {
        let gone = self.cooling.iter().filter(move |(model, cooling)| {
            let is_news = self.unsaved.contains_key(*model);
            !is_news && cooling.is_told(now) && !is_among(stored, model)
        });
        let by = gone.filter_map(|(_, cooling)| cooling.cause.as_ref()?.accuser);
        by.filter(|by| !by.is_nil())
    }

    /// Of all that the fleet knows, this is left. What is heard here and not committed yet, or not worth telling the fleet, stands; and so
    /// do the strikes of what has ended.
    pub fn told_all(&mut self, stored: &[(String, Cause)], now: Timestamp) {
        let unsaved = &self.unsaved;
        self.cooling.retain(|model, cooling| {
            let is_news = unsaved.contains_key(model);
            is_news || !cooling.is_told(now) || is_among(stored, model)
        });
        for (model, cause) in stored {
            self.told(model, cause.clone(), now);
        }
    }

    /// The cooldown of this model is over.
    pub fn lift(&mut self, model: &str, now: Timestamp) {
        if let Some(cooling) = self.cooling.get_mut(model) {
            cooling.lift(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::classify::Spent;
    use crate::domain::cooling::{AccountCooldowns, Failing, Weight};
    use crate::domain::health::FailureClass;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn who_is_wrong_elsewhere_is_not_wrong_of_what_only_this_replica_has_heard() {
        let mut cooldowns = AccountCooldowns::default();
        for (number, model) in [(1, "refuted"), (2, "unsaved")] {
            let by = Uuid::from_u128(number);
            let weight = Weight::Alleged {
                by,
                given: at(-1),
                quarantine: Duration::from_secs(60),
            };
            let failing = Failing {
                class: FailureClass::Quota,
                stated: Some(Duration::from_hours(2)),
                why: "429",
            };
            cooldowns.blame((by, weight), model, failing, at(0));
        }
        for (model, cause) in cooldowns.unsaved() {
            if model == "refuted" {
                cooldowns.saved(&model, &cause);
            }
        }
        let wrong: Vec<Uuid> = cooldowns.alleged_beside(&[], at(1)).collect();
        assert_eq!(wrong, [Uuid::from_u128(1)]);
    }

    #[test]
    fn what_was_found_elsewhere_ends_nothing_that_the_fleet_has_not_heard_of() {
        let mut cooldowns = AccountCooldowns::default();
        let caller = Uuid::from_u128(1);
        let blame = |cooldowns: &mut AccountCooldowns, model: &str| {
            let failing = Failing {
                class: FailureClass::Quota,
                stated: Some(Duration::from_hours(2)),
                why: "429",
            };
            cooldowns.blame((caller, Weight::Proven), model, failing, at(0));
        };
        for model in ["refuted", "stored", "unsaved"] {
            blame(&mut cooldowns, model);
        }
        for (model, cause) in cooldowns.unsaved() {
            if model != "unsaved" {
                cooldowns.saved(&model, &cause);
            }
        }
        // Over before others would hear of it.
        let brief = Spent::of(Duration::from_millis(900));
        cooldowns.spend((caller, Weight::Proven), "brief", brief, "0 left", at(0));
        let stored = cooldowns.of("stored", at(0)).unwrap().clone();
        cooldowns.told_all(&[("stored".to_owned(), stored)], at(10));
        let left = ["refuted", "stored", "unsaved", "brief"];
        let left = left.map(|model| cooldowns.of(model, at(10)).is_some());
        assert_eq!(left, [false, true, true, true]);
        assert_eq!(cooldowns.unsaved().len(), 1);
    }
}
