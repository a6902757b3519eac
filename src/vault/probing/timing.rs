//! When a version is asked about next.

use std::time::Duration;

use super::PLACE_AGAIN;
use crate::domain::health::Health;
use crate::domain::probe::{ProbeResult, Probed, following};
use crate::domain::time::Timestamp;
use crate::vault::probe::Subject;

/// A suspected key whose provider said nothing is asked about again.
const SUSPECT_AGAIN: Duration = Duration::from_mins(5);

/// Once it has been asked about.
pub(super) fn next(
    subject: &Subject,
    probed: &Probed,
    interval: Duration,
    now: Timestamp,
) -> Timestamp {
    if probed.result == ProbeResult::Unclear && is_dead(subject, now) {
        return now.after(SUSPECT_AGAIN.min(interval));
    }
    following(subject.version.version.meta.uid, interval, now)
}

/// A suspected key that cools down until then: a word against it stands as long as nobody has asked.
pub(super) fn cooled(until: Timestamp, interval: Duration, now: Timestamp) -> Timestamp {
    until.max(now.after(PLACE_AGAIN)).min(now.after(interval))
}

/// Dead as far as this replica knows, and its time is not over.
pub(super) fn is_dead(subject: &Subject, now: Timestamp) -> bool {
    matches!(subject.version.live.health(now), Health::Dead(cause) if cause.until > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspected_key_that_cools_is_asked_about_when_that_ends() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let interval = Duration::from_hours(6);
        assert_eq!(cooled(at(60), interval, at(0)), at(60));
        // Not in a rush where that is about to end, and no later than any other.
        assert_eq!(cooled(at(1), interval, at(0)), at(10));
        assert_eq!(cooled(at(86_400), interval, at(0)), at(6 * 3_600));
    }
}
