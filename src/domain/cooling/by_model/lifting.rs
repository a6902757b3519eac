//! A cooldown that is over before its time, since what it was told of has turned out to be more.

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

impl<const MODELS_MAX: usize, const CALLER_MODELS_MAX: usize>
    Cooldowns<MODELS_MAX, CALLER_MODELS_MAX>
{
    /// Of all that the fleet knows, this is left. What is heard here and not committed yet, or not worth telling the fleet, stands; and so
    /// do the strikes of what has ended.
    pub fn told_all(&mut self, stored: &[(String, Cause)], now: Timestamp) {
        let unsaved = &self.unsaved;
        let is_stored = |model: &String| stored.iter().any(|(stored, _)| stored == model);
        self.cooling.retain(|model, cooling| {
            let is_known = cooling.told_until.is_some_and(|until| now < until);
            !is_known || is_stored(model) || unsaved.contains_key(model)
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

    use uuid::Uuid;

    use super::*;
    use crate::domain::classify::Spent;
    use crate::domain::cooling::{AccountCooldowns, Failing, Weight};
    use crate::domain::health::FailureClass;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
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
