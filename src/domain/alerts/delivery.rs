//! How an alert is brought to where people look: again and again, ever more rarely, until it arrives or is too old to matter.

use std::time::Duration;

/// After the first try that failed; it doubles from there.
const RETRY_FIRST: Duration = Duration::from_secs(5);
/// The longest from one try to the next.
const RETRY_MAX: Duration = Duration::from_mins(10);
/// The longest that a receiver may ask to be left alone.
const STATED_MAX: Duration = Duration::from_hours(1);
/// A delivery that has failed for so long is given up: the alert is told again where it still holds.
pub const AGE_MAX: Duration = Duration::from_hours(72);

/// What is told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// It holds from now on.
    Opened,
    /// It holds still.
    StillOpen,
    /// It is over.
    Resolved,
    /// Somebody tries whether alerts arrive.
    Test,
}

/// Where alerts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SinkKind {
    /// The log of the replica that delivers it.
    Log,
    /// JSON with a signature, to a URL of one's own.
    Webhook,
    /// A channel of Slack, or of what understands the same.
    Slack,
    /// A chat of Telegram.
    Telegram,
}

/// What to do after a try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this time.
    Retry(Duration),
    /// Leave it.
    GiveUp,
}

impl Event {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Opened, "opened"),
        (Self::StillOpen, "still_open"),
        (Self::Resolved, "resolved"),
        (Self::Test, "test"),
    ];

    /// As stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(event, _)| *event == self).map_or("", |e| e.1)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, n)| *n == name).map(|(event, _)| *event)
    }
}

impl SinkKind {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Log, "log"),
        (Self::Webhook, "webhook"),
        (Self::Slack, "slack"),
        (Self::Telegram, "telegram"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(sink, _)| *sink == self).map_or("", |s| s.1)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, n)| *n == name).map(|(sink, _)| *sink)
    }
}

/// After `attempts` tries, of which the last has failed, over `age`: `stated` is how long the receiver asked to be left alone, and `jitter`,
/// from 0 to 1, spreads the tries of many.
#[must_use]
pub fn after_failure(attempts: u32, age: Duration, stated: Option<Duration>, jitter: f64) -> Next {
    let doubled = RETRY_FIRST * 2_u32.saturating_pow(attempts.saturating_sub(1).min(16));
    let spread = 0.75 + jitter.clamp(0.0, 1.0) / 2.0;
    let own = doubled.min(RETRY_MAX).mul_f64(spread);
    let wait = own.max(stated.unwrap_or_default().min(STATED_MAX));
    if age.saturating_add(wait) > AGE_MAX {
        return Next::GiveUp;
    }
    Next::Retry(wait)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tries_come_ever_more_rarely_and_end(
            stated in proptest::option::of(0_u64..10_000_000),
            jitter in 0.0_f64..=1.0,
        ) {
            let stated = stated.map(Duration::from_secs);
            let (mut age, mut attempts, mut before) = (Duration::ZERO, 0, Duration::ZERO);
            loop {
                attempts += 1;
                match after_failure(attempts, age, stated, jitter) {
                    Next::Retry(wait) => {
                        prop_assert!(wait >= before && wait <= STATED_MAX);
                        prop_assert!(stated.is_none_or(|s| wait >= s.min(STATED_MAX)));
                        (age, before) = (age + wait, wait);
                    }
                    Next::GiveUp => break,
                }
                prop_assert!(attempts < 1_000);
            }
            prop_assert!(age > AGE_MAX - STATED_MAX - RETRY_MAX.mul_f64(1.25));
        }
    }

    #[test]
    fn a_receiver_that_was_down_for_a_minute_is_tried_soon_after() {
        let mut age = Duration::ZERO;
        let mut tries = 0;
        while age < Duration::from_mins(1) {
            tries += 1;
            let Next::Retry(wait) = after_failure(tries, age, None, 0.5) else {
                panic!("given up");
            };
            age += wait;
        }
        assert!(age < Duration::from_secs(80), "{age:?}");
    }
}
