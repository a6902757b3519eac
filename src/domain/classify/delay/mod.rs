//! When a response itself says to come back: in headers, in fields, in prose. The longest statement counts, up to 31 days.

use std::time::Duration;

use super::evidence::Evidence;
use crate::domain::health::FailureClass;
use crate::domain::pool::TTL_MAX;
use crate::domain::time::Timestamp;
use amount::Bare;
pub(super) use headers::is_told;

mod amount;
mod fields;
mod headers;
mod instant;
mod prose;

/// Longer than any budget: a point in time beyond it was written in another unit, or by somebody who means harm, and states nothing.
const BELIEVED_MAX: Duration = Duration::from_hours(24 * 366);

/// What a response states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stated {
    /// Said of this very request: Retry-After, RetryInfo, "try again in 20s".
    told: Option<Duration>,
    /// When the budget that is spent is full again. Said on every answer of some providers, so it tells of limits only.
    reset: Option<Duration>,
}

/// Against what times of day are measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// When the response was made. `None` if nobody knows: then a time of day states nothing.
    pub(super) now: Option<Timestamp>,
    /// The zone of times that name none, in hours east of UTC.
    pub(super) zone_hours: i8,
}

impl Clock {
    /// The response's own Date comes first, so that a provider's clock is measured against itself.
    pub(super) fn of(evidence: &Evidence, now: Option<Timestamp>, zone_hours: i8) -> Self {
        let date = evidence.header("date").and_then(instant::http_date);
        Self {
            now: date.or(now),
            zone_hours,
        }
    }

    /// The time from now to `at`; `None` if it has passed.
    fn until(self, at: Timestamp) -> Option<Duration> {
        let now = self.now.filter(|now| *now < at)?;
        Some(at.since(now))
    }
}

impl Stated {
    /// Reads all that is stated.
    pub(super) fn of(evidence: &Evidence, clock: Clock) -> Self {
        let told = [
            headers::told(evidence, clock),
            fields::told(&evidence.fields, clock),
            prose::told(&evidence.words.text, clock),
        ];
        Self {
            told: told.into_iter().flatten().max(),
            reset: headers::reset(evidence, clock),
        }
    }

    /// The longest, whatever the failure is about.
    pub(super) fn longest(self) -> Option<Duration> {
        self.told_or(self.reset)
    }

    /// What it states about a failure of this class.
    pub(super) fn about(self, class: FailureClass) -> Option<Duration> {
        let is_limit = matches!(class, FailureClass::Quota | FailureClass::RateLimit);
        self.told_or(self.reset.filter(|_| is_limit))
    }

    /// What was told comes first. That it is over by now was measured by another clock, or written by a library for want of better: where
    /// a reset says otherwise, it is believed.
    fn told_or(self, reset: Option<Duration>) -> Option<Duration> {
        let told = self.told.filter(|told| !told.is_zero());
        told.or(reset).or(self.told)
    }
}

/// How far away what one header says is, if it can be believed.
pub(super) fn moment_of(value: &str, clock: Clock) -> Option<Duration> {
    headers::moment(value, Bare::Seconds, clock).and_then(believed)
}

/// What can be believed of a statement.
fn believed(stated: Duration) -> Option<Duration> {
    (stated <= BELIEVED_MAX).then_some(stated.min(TTL_MAX))
}

#[cfg(test)]
mod tests;
