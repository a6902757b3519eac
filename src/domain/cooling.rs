//! What one account, one of its models, or one key cools down from.

use std::time::Duration;

use uuid::Uuid;

mod room;

pub use room::{room, room_for};

use super::backoff::Backoff;
use super::health::{Cause, FailureClass};
use super::time::Timestamp;

/// A cooldown that ends later by less than this is no news.
const NEWS_MIN: Duration = Duration::from_millis(500);

/// The most models of one account whose cooldowns are kept, in memory and in the database; what has ended makes room first, then what
/// ends first: a cooldown that is news always finds a place, and the longest stay longest.
pub const ACCOUNT_MODELS_MAX: usize = 256;

/// The most of them that the reports of one caller begin on one replica, so that names which one makes up push out nobody's: no provider
/// has so many models, and others' reports are heard of any.
pub const CALLER_MODELS_MAX: usize = 64;

/// The cooldown of an account, of one of its models, or of a key.
#[derive(Debug, Clone, Default)]
pub struct Cooling {
    cause: Option<Cause>,
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
        let until = now.after(pause);
        if holding.is_some_and(|(held, _)| until < held.after(NEWS_MIN)) {
            return None;
        }
        let cause = Cause {
            until,
            why: why.to_owned(),
            class,
        };
        self.cause = Some(cause.clone());
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
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn blame(cooling: &mut Cooling, stated: Option<u64>, seconds: i64) -> Option<Timestamp> {
        let stated = stated.map(Duration::from_secs);
        let news = cooling.blame(FailureClass::RateLimit, stated, 0.0, "429", at(seconds));
        news.map(|cause| cause.until)
    }

    #[test]
    fn what_is_stated_is_obeyed() {
        let mut cooling = Cooling::default();
        assert_eq!(blame(&mut cooling, Some(604_800), 0), Some(at(604_800)));
        assert!(cooling.holds(at(604_799)).is_some());
        assert!(cooling.holds(at(604_800)).is_none());
    }

    #[test]
    fn what_is_not_stated_doubles_from_five_seconds_to_five_minutes() {
        let mut cooling = Cooling::default();
        let mut now = 0;
        for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(blame(&mut cooling, None, now), Some(at(now + pause)));
            now += pause;
        }
    }

    #[test]
    fn a_burst_is_one_strike() {
        let mut cooling = Cooling::default();
        assert_eq!(blame(&mut cooling, None, 0), Some(at(5)));
        for _ in 0..100 {
            assert_eq!(blame(&mut cooling, None, 1), None);
        }
        assert_eq!(blame(&mut cooling, None, 5), Some(at(15)));
    }

    #[test]
    fn deadlines_merge_by_the_later() {
        let mut cooling = Cooling::default();
        blame(&mut cooling, Some(60), 0);
        assert_eq!(blame(&mut cooling, Some(10), 1), None);
        assert_eq!(cooling.holds(at(30)).unwrap().until, at(60));
        assert_eq!(blame(&mut cooling, Some(100), 1), Some(at(101)));
    }

    #[test]
    fn a_success_after_the_cooldown_ends_the_doubling() {
        let mut cooling = Cooling::default();
        blame(&mut cooling, None, 0);
        cooling.succeed(at(2));
        assert!(cooling.holds(at(3)).is_some());
        cooling.succeed(at(6));
        assert_eq!(blame(&mut cooling, None, 7), Some(at(12)));
    }

    #[test]
    fn a_quota_lasts_an_hour_at_least_and_doubles_to_a_day() {
        let quota = |cooling: &mut Cooling, stated: Option<u64>, seconds| {
            let stated = stated.map(Duration::from_secs);
            let news = cooling.blame(FailureClass::Quota, stated, 0.0, "429", at(seconds));
            news.map(|cause| cause.until)
        };
        assert_eq!(quota(&mut Cooling::default(), Some(58), 0), Some(at(3_600)));
        let week = 604_800;
        assert_eq!(
            quota(&mut Cooling::default(), Some(week), 0),
            Some(at(604_800))
        );
        let mut cooling = Cooling::default();
        let mut now = 0;
        for hours in [1, 2, 4, 8, 16, 24, 24] {
            assert_eq!(
                quota(&mut cooling, None, now),
                Some(at(now + hours * 3_600))
            );
            now += hours * 3_600;
        }
    }

    #[test]
    fn a_quota_found_while_a_rate_limit_cools_is_news() {
        let mut cooling = Cooling::default();
        blame(&mut cooling, None, 0);
        let news = cooling.blame(FailureClass::Quota, None, 0.0, "429", at(1));
        assert_eq!(news.map(|cause| cause.until), Some(at(3_601)));
    }

    #[test]
    fn a_stated_delay_of_nothing_is_no_hammer() {
        assert_eq!(blame(&mut Cooling::default(), Some(0), 0), Some(at(5)));
    }

    #[test]
    fn what_is_stated_of_an_entitlement_that_is_missing_is_void() {
        let stated = Some(Duration::from_secs(20));
        let mut cooling = Cooling::default();
        let news = cooling.blame(FailureClass::ModelAccess, stated, 0.0, "429", at(0));
        assert_eq!(news.map(|cause| cause.until), Some(at(3_600)));
    }
}
