//! What doubted callers say of an account's budgets: each cools for its own caller alone, who may well be right.

use std::collections::HashMap;

use uuid::Uuid;

use super::AccountLive;
use super::waiting::wake_first;
use crate::domain::bounded::make_room;
use crate::domain::cooling::{Cooling, Failing, Weight, jitter};
use crate::domain::health::Cause;
use crate::domain::time::Timestamp;

/// The most of them that are kept of one account; then the one makes room that ends first.
const OWN_MAX: usize = 64;

/// Cooldowns by caller and model, the empty one being the whole account.
#[derive(Debug, Default)]
pub(super) struct Own(HashMap<(Uuid, String), Cooling>);

impl Own {
    pub(super) fn blame(
        &mut self,
        caller: Uuid,
        model: &str,
        failing: Failing<'_>,
        now: Timestamp,
    ) {
        let place = (caller, model.to_owned());
        let end = |cooling: &Cooling| cooling.holds(now).map(|cause| cause.until);
        make_room(&mut self.0, &place, OWN_MAX, end);
        let cooling = self.0.entry(place).or_default();
        // For the caller itself its word is as good as any.
        cooling.blame_by(Weight::Proven, failing, jitter(now), now);
    }

    /// What this caller has said of this model is over; what all have, where none is named.
    pub(super) fn lift(&mut self, caller: Option<Uuid>, model: &str) {
        let is_meant = |by: Uuid| caller.is_none_or(|caller| caller == by);
        self.0.retain(|(by, of), _| of != model || !is_meant(*by));
    }

    /// Until when this caller and another say that it is spent.
    fn agreed(&self, caller: Uuid, model: &str, now: Timestamp) -> Option<Timestamp> {
        let of = |is_own: bool| {
            let all = self.0.iter();
            let said = all.filter(move |((by, of), _)| of == model && (*by == caller) == is_own);
            let said = said.filter_map(|(_, cooling)| cooling.holds(now));
            said.map(|cause| cause.until).max()
        };
        Some(of(true)?.min(of(false)?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Until when, and why, any of these models cools down for this caller.
    pub(super) fn bars(&self, models: [&str; 2], caller: Uuid, now: Timestamp) -> Option<&Cause> {
        let own = |model: &str| self.0.get(&(caller, model.to_owned()))?.holds(now);
        let causes = models.map(own).into_iter().flatten();
        causes.max_by_key(|cause| cause.until)
    }

    /// What is over is forgotten.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.0.retain(|_, cooling| cooling.holds(now).is_some());
    }
}

impl AccountLive {
    /// A doubted caller says that a budget is spent: it cools for that caller; for all as far as another doubted one says the same.
    pub fn blame_for(&self, caller: Uuid, model: &str, failing: Failing<'_>, now: Timestamp) {
        let state = &mut *self.state.lock();
        state.own.blame(caller, model, failing, now);
        if let Some(until) = state.own.agreed(caller, model, now) {
            let failing = Failing {
                stated: Some(until.since(now)),
                ..failing
            };
            let word = (caller, Weight::Proven);
            if state.cooldowns.blame(word, model, failing, now) {
                wake_first(state);
            }
        }
        self.note_alleged(state);
    }

    /// A caller that says something of the whole account has used it with this model: who uses another finds out nothing of that caller.
    pub fn said_with(&self, caller: Uuid, model: &str) {
        self.state.lock().said_with = Some((caller, model.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::health::FailureClass;
    use crate::live::version::Applicant;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    const QUOTA: Failing<'_> = Failing {
        class: FailureClass::Quota,
        stated: Some(Duration::from_hours(24)),
        why: "429",
    };

    fn applicant(number: u128) -> Applicant {
        Applicant {
            caller: Uuid::from_u128(number),
            patience: Duration::ZERO,
        }
    }

    #[test]
    fn what_a_doubted_caller_says_cools_for_itself_alone() {
        let account = AccountLive::new(Uuid::nil());
        let [doubted, other] = [1, 2].map(applicant);
        account.blame_for(doubted.caller, "m", QUOTA, at(0));
        let until = |applicant, model, now| {
            let cause = account.bars(Some(model), applicant, at(now));
            cause.map(|cause| cause.until)
        };
        assert_eq!(until(doubted, "m", 1), Some(at(86_400)));
        assert!(account.try_out(Some("m"), doubted, at(1)).is_err());
        assert_eq!(until(doubted, "n", 1), None);
        assert_eq!(until(other, "m", 1), None);
        assert_eq!(until(doubted, "m", 86_400), None);
    }

    #[test]
    fn what_two_doubted_callers_say_cools_for_all_as_far_as_both_say_it() {
        let account = AccountLive::new(Uuid::nil());
        let [first, second, other] = [1, 2, 3].map(applicant);
        account.blame_for(first.caller, "m", QUOTA, at(0));
        account.blame_for(first.caller, "m", QUOTA, at(1));
        assert_eq!(account.cooling(Some("m"), at(1)), None);
        let longer = Failing {
            stated: Some(Duration::from_hours(48)),
            ..QUOTA
        };
        account.blame_for(second.caller, "m", longer, at(1));
        let cause = account.bars(Some("m"), other, at(2)).unwrap();
        assert_eq!((cause.until, cause.accuser), (at(86_401), None));
        assert_eq!(account.unsaved().len(), 1);
    }

    #[test]
    fn doubted_callers_without_end_fill_no_memory() {
        let account = AccountLive::new(Uuid::nil());
        for number in 0..1_000 {
            account.blame_for(Uuid::from_u128(number), "", QUOTA, at(0));
        }
        assert_eq!(account.state.lock().own.0.len(), OWN_MAX);
        account.succeed("", (Uuid::nil(), at(0)), at(90_000));
        assert!(account.state.lock().own.is_empty());
    }

    #[test]
    fn a_success_with_another_model_ends_a_lone_word_and_says_nothing_of_its_caller() {
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (model, wrong) in [("m", Some(first)), ("n", None), ("", None)] {
            let account = AccountLive::new(Uuid::nil());
            let weight = Weight::Alleged {
                by: first,
                given: at(0),
                quarantine: Duration::from_mins(1),
            };
            account.said_with(first, "m");
            account.blame((first, weight), "", QUOTA, at(0));
            let found = account.succeed(model, (second, at(61)), at(62));
            assert_eq!(found.wrong, wrong);
            assert_eq!(account.cooling(Some(model), at(62)), None);
            let over = &account.unsaved()[0].1;
            assert!(over.is_refuted() && over.wrong() == wrong, "{model}");
        }
    }
}
