//! Between the contract's common types and the domain's: times, durations, disablements, and what all resources have.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::disablement::{Disablement, WHY_BYTES_MAX};
use crate::domain::distrust::{Distrust, DistrustKind};
use crate::domain::field::{FieldError, FieldErrors, Parsed, bounded, required_text};
use crate::domain::health::FailureClass;
use crate::domain::key::{ROTATION_INTERVAL_MAX, ROTATION_INTERVAL_MIN};
use crate::domain::time::Timestamp;
use crate::proto;
use crate::vault::Word;

/// The year 9999 ends here; neither the contract's times nor the database's go further.
const SECONDS_MAX: i64 = 253_402_300_799;

/// A time of the contract.
pub(super) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let micros = time.micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        // Below 10^9, since a remainder is below 10^6.
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0),
    }
}

/// Why something is not believed.
pub(super) fn distrust(distrust: &Distrust) -> proto::Distrust {
    let state = match distrust.kind {
        DistrustKind::Tampered => proto::DistrustState::Tampered,
        DistrustKind::Undecryptable => proto::DistrustState::Undecryptable,
        DistrustKind::Unreadable => proto::DistrustState::Unreadable,
    };
    proto::Distrust {
        state: state.into(),
        why: distrust.why.clone(),
    }
}

/// A time from a request: 1970 to 9999, to the microsecond.
pub(super) fn parse_timestamp(field: &str, time: &prost_types::Timestamp) -> Parsed<Timestamp> {
    let malformed = || FieldError::new(field, "must be a time from 1970 to 9999");
    let in_range =
        (0..=SECONDS_MAX).contains(&time.seconds) && (0..1_000_000_000).contains(&time.nanos);
    if !in_range {
        return Err(malformed());
    }
    let micros = time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000;
    Ok(Timestamp::from_micros(micros))
}

/// A duration of the contract.
pub(super) fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}

/// A duration from a request, between bounds.
pub(super) fn parse_duration(
    field: &str,
    value: &prost_types::Duration,
    min: Duration,
    max: Duration,
) -> Parsed<Duration> {
    match plain(value) {
        Some(parsed) if (min..=max).contains(&parsed) => Ok(parsed),
        _ => Err(FieldError::new(
            field,
            format!("must be from {} to {}", bound(min), bound(max)),
        )),
    }
}

/// A bound as it is documented: whole days are days, and not months and years of so many hours.
fn bound(duration: Duration) -> String {
    const DAY: u64 = 86_400;
    let seconds = duration.as_secs();
    if duration.subsec_nanos() == 0 && seconds > DAY && seconds.is_multiple_of(DAY) {
        return format!("{}days", seconds / DAY);
    }
    humantime::format_duration(duration).to_string()
}

/// A duration that is not negative. The conversion of prost-types overflows on the most negative seconds.
fn plain(value: &prost_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(value.seconds).ok()?;
    let nanos = u32::try_from(value.nanos).ok()?;
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

/// As [`parse_duration`], in the whole milliseconds that are stored; none where it is unset.
pub(super) fn parse_millis(
    field: &str,
    value: Option<prost_types::Duration>,
    min: Duration,
    max: Duration,
) -> Parsed<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    let parsed = parse_duration(field, &value, min, max)?;
    if parsed.subsec_nanos() % 1_000_000 != 0 {
        return Err(FieldError::new(field, "must be whole milliseconds"));
    }
    Ok(Some(parsed))
}

/// The interval of a rotation policy, in whole seconds; none where it is unset, which means: inherit.
pub(super) fn parse_rotation_policy(
    field: &str,
    policy: Option<&proto::RotationPolicy>,
) -> Parsed<Option<Duration>> {
    let Some(interval) = policy.and_then(|policy| policy.interval.as_ref()) else {
        return Ok(None);
    };
    let field = format!("{field}.interval");
    let interval = parse_duration(
        &field,
        interval,
        ROTATION_INTERVAL_MIN,
        ROTATION_INTERVAL_MAX,
    )?;
    if interval.subsec_nanos() != 0 {
        return Err(FieldError::new(field, "must be whole seconds"));
    }
    Ok(Some(interval))
}

/// A rotation policy with the interval in force.
pub(super) fn rotation_policy(interval: Duration) -> proto::RotationPolicy {
    proto::RotationPolicy {
        interval: Some(duration(interval)),
    }
}

/// The fields `why` and `until` of a request that disables.
pub(super) fn parse_word(
    errors: &mut FieldErrors,
    why: String,
    until: Option<&prost_types::Timestamp>,
) -> Option<Word> {
    let why = errors.take(required_text("why", why, WHY_BYTES_MAX));
    let until = until.map(|until| parse_timestamp("until", until));
    let until = errors.take(until.transpose());
    Some(Word {
        why: why?,
        until: until?,
    })
}

/// A disablement that holds or held.
pub(super) fn disablement(word: &Disablement) -> proto::Disablement {
    proto::Disablement {
        reason: word.why.clone(),
        since: Some(timestamp(word.since)),
        until: word.until.map(timestamp),
        by: word.by.clone(),
    }
}

/// Labels as a map of the contract.
pub(super) fn labels(labels: &crate::domain::labels::Labels) -> BTreeMap<String, String> {
    labels.pairs().clone()
}

/// A class of failures.
pub(super) const fn failure_class(class: FailureClass) -> proto::FailureClass {
    match class {
        FailureClass::CallerFault => proto::FailureClass::CallerFault,
        FailureClass::Credential => proto::FailureClass::Credential,
        FailureClass::Quota => proto::FailureClass::Quota,
        FailureClass::RateLimit => proto::FailureClass::RateLimit,
        FailureClass::ProviderFault => proto::FailureClass::ProviderFault,
        FailureClass::ModelAccess => proto::FailureClass::ModelAccess,
        FailureClass::RegionOrEgress => proto::FailureClass::RegionOrEgress,
        FailureClass::Unknown => proto::FailureClass::Unknown,
    }
}

/// A count of the contract, from bounds that fit.
pub(super) fn parse_count(field: &str, value: i32, min: u32, max: u32) -> Parsed<u32> {
    let bounds = (i64::from(min), i64::from(max));
    let value = bounded(field, i64::from(value), bounds.0, bounds.1)?;
    Ok(u32::try_from(value).unwrap_or(max))
}

/// An amount as the contract has it; amounts are bounded far below where this saturates.
pub(super) fn amount(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_the_way_there_and_back() {
        for micros in [0, 1_500_000, 1_800_000_000_123_456] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(parse_timestamp("until", &timestamp(time)).unwrap(), time);
        }
    }

    #[test]
    fn milliseconds_are_whole() {
        let (min, max) = (Duration::from_millis(1), Duration::from_secs(9));
        let parse = |seconds, nanos| {
            let value = prost_types::Duration { seconds, nanos };
            parse_millis("dead_ttl", Some(value), min, max)
        };
        assert_eq!(parse(1, 5_000_000), Ok(Some(Duration::from_millis(1_005))));
        assert!(parse(1, 5_000_001).is_err());
        assert!(parse(0, 0).is_err());
        assert_eq!(parse_millis("dead_ttl", None, min, max), Ok(None));
    }

    #[test]
    fn hostile_times_and_durations_are_refused() {
        for (seconds, nanos) in [(-1, 0), (i64::MAX, 0), (0, -1), (0, 1_000_000_000)] {
            let time = prost_types::Timestamp { seconds, nanos };
            assert!(parse_timestamp("until", &time).is_err());
        }
        for (seconds, nanos) in [(-1, 0), (i64::MAX, 0), (i64::MIN, i32::MIN), (0, 0)] {
            let value = prost_types::Duration { seconds, nanos };
            let hour = Duration::from_hours(1);
            assert!(parse_duration("interval", &value, hour, hour * 2).is_err());
        }
    }
}
