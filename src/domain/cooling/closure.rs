//! An account that was found closed: nobody's budget comes back by itself there, so single leases find out whether it is closed still,
//! before all its keys go out again.

use std::time::Duration;

use super::allegation::{NOBODY, Weight};
use crate::domain::canary::SINGLE_LASTS_MAX;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::time::Timestamp;

/// How long it is tried so before it is given back all the same.
const TRIED_FOR: Duration = Duration::from_hours(24);

impl Weight {
    /// Whether it is what a single lease was to find out of a closed account: a closure of its own, and longer.
    pub(super) fn is_trial_of_closure(self, held: Option<&Cause>) -> bool {
        matches!(self, Self::Closed { given } if held.is_some_and(|held| held.is_trial(given)))
    }
}

impl Cause {
    /// That an account is closed, where this is until when nobody need ask.
    pub(super) fn closed(self) -> Self {
        Self {
            until: self.until.after(TRIED_FOR),
            accuser: Some(NOBODY),
            tried: Some(self.until),
            ..self
        }
    }

    /// As it is told to whoever asks: of an account that was found closed, when the next lease finds out.
    #[must_use]
    pub fn told(self, now: Timestamp) -> Self {
        let Some(tried) = self.tried.filter(|_| self.accuser == Some(NOBODY)) else {
            return self;
        };
        let until = if tried > now {
            tried
        } else {
            self.until.min(now.after(SINGLE_LASTS_MAX))
        };
        Self { until, ..self }
    }

    /// Whether a use of a lease that was given then finds out whether the account is closed still.
    #[must_use]
    pub fn is_trial_of_closure(&self, given: Timestamp) -> bool {
        self.class == FailureClass::Credential && self.is_trial(given)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::cooling::{Cooling, Failing};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_closed_account_is_tried_by_single_leases_ever_more_rarely_and_nobody_is_wrong_where_it_is_open()
     {
        let mut cooling = Cooling::default();
        let closed = Failing {
            class: FailureClass::Credential,
            stated: None,
            why: "401",
        };
        let caller = Uuid::from_u128(1);
        let (mut given, mut now) = (at(0), at(0));
        for hours in [1, 2, 4] {
            let weight = Weight::Closed { given };
            let news = cooling.blame_by(weight, closed, 0.0, now).unwrap();
            let tried = now.after(Duration::from_hours(hours));
            assert_eq!(
                (news.tried, news.until),
                (Some(tried), tried.after(TRIED_FOR))
            );
            assert_eq!(news.told(now).until, tried);
            // What was under way when it closed says nothing more.
            assert_eq!(cooling.blame_by(weight, closed, 0.0, now), None);
            let bars = |cooling: &Cooling, at| cooling.bars(caller, Duration::ZERO, at).is_some();
            assert!(bars(&cooling, tried.before(Duration::from_secs(1))));
            assert!(!bars(&cooling, tried));
            cooling.is_tried(tried);
            let later = tried.after(Duration::from_secs(60));
            assert!(bars(&cooling, later));
            let told = cooling.holds(later).unwrap().clone().told(later);
            assert_eq!(told.until, later.after(SINGLE_LASTS_MAX));
            (given, now) = (tried, later);
        }
        let tried = cooling.holds(now).unwrap().tried.unwrap();
        let over = cooling.refute([Some(caller), None], tried, tried).unwrap();
        assert!(over.is_refuted() && over.wrong().is_none());
        assert_eq!(cooling.holds(tried), None);
    }
}
