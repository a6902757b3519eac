//! Durations and times, from the wire and back.

use std::time::Duration;

use crate::domain::field::{FieldError, Parsed};
use crate::domain::time::Timestamp;

/// The bounds of a duration, and the unit it is stored in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DurationBounds {
    /// The shortest.
    pub(crate) min: Duration,
    /// The longest.
    pub(crate) max: Duration,
    /// What it must be a multiple of: what is stored coarser would not be what was asked for.
    pub(crate) unit: Duration,
}

/// The unit of durations stored in seconds.
pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// The unit of durations stored in milliseconds.
pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

/// An optional duration within bounds.
pub(crate) fn duration(
    field: &str,
    value: Option<prost_types::Duration>,
    bounds: DurationBounds,
) -> Parsed<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    let refused = || {
        let unit = if bounds.unit == SECOND { "seconds" } else { "milliseconds" };
        FieldError::new(
            field,
            format!(
                "must be from {} to {}, in whole {unit}",
                humantime::format_duration(bounds.min),
                humantime::format_duration(bounds.max),
            ),
        )
    };
    let duration = plain_duration(value).ok_or_else(refused)?;
    let whole = duration.as_nanos() % bounds.unit.as_nanos() == 0;
    if !whole || duration < bounds.min || duration > bounds.max {
        return Err(refused());
    }
    Ok(Some(duration))
}

/// A duration that is not negative and well-formed.
fn plain_duration(value: prost_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(value.seconds).ok()?;
    let nanos = u32::try_from(value.nanos).ok()?;
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

/// A duration for the wire.
pub(crate) fn duration_to_wire(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().cast_signed(),
    }
}

/// An optional time, to the microsecond below.
pub(crate) fn timestamp(
    field: &str,
    value: Option<prost_types::Timestamp>,
) -> Parsed<Option<Timestamp>> {
    // The bounds of google.protobuf.Timestamp: the years 1 to 9999.
    const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
    let Some(value) = value else { return Ok(None) };
    if !SECONDS.contains(&value.seconds) || !(0..1_000_000_000).contains(&value.nanos) {
        return Err(FieldError::new(
            field,
            "must be a time in the years 1 to 9999, with nanos from 0 to 999999999",
        ));
    }
    let micros = value.seconds * 1_000_000 + i64::from(value.nanos) / 1_000;
    Ok(Some(Timestamp::from_micros(micros)))
}

/// A time for the wire.
pub(crate) fn timestamp_to_wire(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.micros().rem_euclid(1_000_000) * 1_000;
    prost_types::Timestamp {
        seconds: time.micros().div_euclid(1_000_000),
        nanos: i32::try_from(nanos).unwrap_or(0),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const BOUNDS: DurationBounds = DurationBounds {
        min: SECOND,
        max: Duration::from_hours(24),
        unit: MILLISECOND,
    };

    #[test]
    fn hostile_durations_are_refused() {
        for (seconds, nanos) in [
            (0, 0),
            (-1, 0),
            (0, -1),
            (i64::MIN, i32::MIN),
            (i64::MAX, 999_999_999),
            (5, 1_000_000_000),
            (5, -1),
            (5, 1),
            (86_400, 1_000_000),
        ] {
            let value = Some(prost_types::Duration { seconds, nanos });
            assert!(duration("f", value, BOUNDS).is_err(), "{seconds} {nanos}");
        }
        assert_eq!(duration("f", None, BOUNDS), Ok(None));
    }

    #[test]
    fn durations_and_times_survive_the_way_there_and_back() {
        let wire = duration_to_wire(Duration::from_millis(1_500));
        let back = duration("f", Some(wire), BOUNDS).unwrap();
        assert_eq!(back, Some(Duration::from_millis(1_500)));
        for micros in [0, -1, 1, 1_795_000_000_123_456, -1_000_001] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(timestamp("t", Some(timestamp_to_wire(time))), Ok(Some(time)));
        }
    }

    #[test]
    fn hostile_times_are_refused() {
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, i32::MAX)] {
            let value = Some(prost_types::Timestamp { seconds, nanos });
            assert!(timestamp("t", value).is_err(), "{seconds} {nanos}");
        }
    }
}
