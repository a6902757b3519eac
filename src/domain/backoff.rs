//! How long a failure cools what it is blamed on, by its class.

use std::time::Duration;

use super::classify::Failure;
use super::health::FailureClass;

/// How long a class of failures cools down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// The first cooldown where nothing is stated; it doubles while failures go on.
    first: Duration,
    /// The longest where nothing is stated.
    max: Duration,
    /// No cooldown is shorter, whatever is stated.
    min: Duration,
    /// What is stated counts.
    is_stated: bool,
}

/// A spent budget of an hour or less.
const RATE_LIMIT: Backoff = Backoff {
    first: Duration::from_secs(5),
    max: Duration::from_mins(5),
    min: Duration::ZERO,
    is_stated: true,
};
/// A day's quota comes with delays of a minute: nothing shorter than an hour is believed.
const QUOTA: Backoff = Backoff {
    first: Duration::from_hours(1),
    max: Duration::from_hours(24),
    min: Duration::from_hours(1),
    is_stated: true,
};
/// No waiting gives an entitlement or opens an account: what is stated is void, and now and then it is tried whether a person has given one.
const MODEL_ACCESS: Backoff = Backoff {
    is_stated: false,
    ..QUOTA
};

impl Backoff {
    pub(super) const fn of(class: FailureClass) -> Self {
        match class {
            FailureClass::Quota => QUOTA,
            // A closed account is tried again with single leases an hour later, and ever more rarely.
            FailureClass::ModelAccess | FailureClass::Credential => MODEL_ACCESS,
            FailureClass::CallerFault
            | FailureClass::RateLimit
            | FailureClass::ProviderFault
            | FailureClass::RegionOrEgress
            | FailureClass::Unknown => RATE_LIMIT,
        }
    }

    /// A stated delay of nothing states nothing: obeyed, it would be a hammer.
    pub(super) fn stated(self, stated: Option<Duration>) -> Option<Duration> {
        let stated = stated.filter(|stated| self.is_stated && !stated.is_zero());
        stated.map(|stated| stated.max(self.min))
    }

    /// How long one caller's word that it lasts for `pause` is believed, before a lease finds out: of a rate limit, as long as one that
    /// states nothing. What lasts for more than an hour is none, whatever it is called.
    pub(super) fn believed(self, pause: Duration, quarantine: Duration) -> Duration {
        if self.min.is_zero() && pause <= QUOTA.min {
            self.max
        } else {
            quarantine
        }
    }

    pub(super) fn unstated(self, strikes: u32, jitter: f64) -> Duration {
        let doubled = self.first * 2_u32.saturating_pow(strikes.saturating_sub(1).min(8));
        let longer = 1.0 + jitter.clamp(0.0, 1.0) / 4.0;
        doubled.min(self.max).mul_f64(longer)
    }
}

/// What a failure makes of its blame, for people.
#[must_use]
pub fn in_words(failure: &Failure) -> String {
    match failure.class {
        FailureClass::Credential => "dead for the pool's dead_ttl, a day unless set".to_owned(),
        FailureClass::Quota | FailureClass::RateLimit | FailureClass::ModelAccess => {
            let backoff = Backoff::of(failure.class);
            let words = |duration| humantime::format_duration(duration).to_string();
            backoff.stated(failure.retry_after).map_or_else(
                || {
                    format!(
                        "{}, doubling to {}",
                        words(backoff.first),
                        words(backoff.max)
                    )
                },
                words,
            )
        }
        FailureClass::Unknown => {
            "counted against the key, which cools after several in a row while others of its provider succeed".to_owned()
        }
        FailureClass::ProviderFault => {
            "none; counted against the key only while others of its provider succeed".to_owned()
        }
        FailureClass::CallerFault | FailureClass::RegionOrEgress => "none".to_owned(),
    }
}
