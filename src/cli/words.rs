//! Times, enums and numbers in words a tired person reads at once.

use std::time::{Duration, SystemTime};

use prost_types::Timestamp;

mod shown;

pub(crate) use shown::{escaped_json, printable, printable_in_colour, printable_lines};

/// What a table shows where there is nothing to show.
pub(crate) const NOTHING: &str = "-";

/// A duration in its two largest units: "23 h 59 m", "3.2 s".
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        0..60 => small(duration.as_secs_f64()),
        60..3_600 => two(minutes, "m", seconds % 60, "s"),
        3_600..86_400 => two(hours, "h", minutes, "m"),
        _ => two(days, "d", hours, "h"),
    }
}

/// Seconds as [`duration`] says them.
pub(crate) fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn small(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{} ms", (seconds * 1000.0).round());
    }
    let tenths = (seconds * 10.0).round() / 10.0;
    format!("{tenths} s")
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// A duration of the contract in words.
pub(crate) fn proto_duration(value: Option<&prost_types::Duration>) -> String {
    value
        .and_then(|value| Duration::try_from(*value).ok())
        .map_or_else(|| NOTHING.into(), duration)
}

/// How long until a moment, `None` if it has passed.
pub(crate) fn until(moment: &Timestamp, now: &Timestamp) -> Option<Duration> {
    let moment = SystemTime::try_from(*moment).ok()?;
    let now = SystemTime::try_from(*now).ok()?;
    moment
        .duration_since(now)
        .ok()
        .filter(|left| !left.is_zero())
}

/// "5 s ago", or "-" for never.
pub(crate) fn ago(moment: Option<&Timestamp>, now: &Timestamp) -> String {
    let Some(moment) = moment else {
        return NOTHING.into();
    };
    until(now, moment).map_or_else(
        || "now".into(),
        |passed| format!("{} ago", duration(passed)),
    )
}

/// "in 5 s", "now" once it has passed, or "-" for never.
pub(crate) fn ahead(moment: Option<&Timestamp>, now: &Timestamp) -> String {
    let Some(moment) = moment else {
        return NOTHING.into();
    };
    until(moment, now).map_or_else(|| "now".into(), |left| format!("in {}", duration(left)))
}

/// A moment to the second, "-" for none.
pub(crate) fn time(moment: Option<&Timestamp>) -> String {
    let second = moment.map(|moment| Timestamp {
        nanos: 0,
        ..*moment
    });
    second.map_or_else(|| NOTHING.into(), |moment| moment.to_string())
}

/// The day of a moment, "-" for none: where a column has no room for more.
pub(crate) fn date(moment: Option<&Timestamp>) -> String {
    let text = time(moment);
    text.split('T').next().unwrap_or_default().to_owned()
}

/// How far away a moment is, in one unit: "in 6 d", "12 m ago"; "-" for none.
pub(crate) fn away(moment: Option<&Timestamp>, now: &Timestamp) -> String {
    let Some(moment) = moment else {
        return NOTHING.into();
    };
    let one = |time: Duration| match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    };
    let ahead = until(moment, now).map(|left| format!("in {}", one(left)));
    let past = || until(now, moment).map(|passed| format!("{} ago", one(passed)));
    ahead.or_else(past).unwrap_or_else(|| "now".into())
}

/// The moment on this machine's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

/// An enum value without the enum's name: "round robin".
pub(crate) fn enum_value(name: &str, prefix: &str) -> String {
    let value = name.strip_prefix(prefix).unwrap_or(name);
    value
        .trim_start_matches('_')
        .to_lowercase()
        .replace('_', " ")
}

/// A number with its thousands apart: "12,000".
pub(crate) fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

/// Pairs in order, "team=search, tier=gold".
pub(crate) fn pairs<'a>(map: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let mut pairs: Vec<String> = map.into_iter().map(|(k, v)| format!("{k}={v}")).collect();
    pairs.sort();
    pairs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { seconds, nanos: 0 }
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let say = |millis| duration(Duration::from_millis(millis));
        assert_eq!(say(40), "40 ms");
        assert_eq!(say(3_200), "3.2 s");
        assert_eq!(say(3_000), "3 s");
        assert_eq!(say(90_000), "1 m 30 s");
        assert_eq!(say(86_399_000), "23 h 59 m");
        assert_eq!(say(86_400_000), "1 d");
        assert_eq!(say(604_800_000 - 1), "6 d 23 h");
    }

    #[test]
    fn moments_are_told_from_now() {
        assert_eq!(ago(Some(&at(95)), &at(100)), "5 s ago");
        assert_eq!(ago(Some(&at(100)), &at(100)), "now");
        assert_eq!(ago(None, &at(100)), "-");
        assert_eq!(ahead(Some(&at(160)), &at(100)), "in 1 m");
        assert_eq!(ahead(Some(&at(10)), &at(100)), "now");
    }

    #[test]
    fn a_moment_in_a_narrow_column_has_one_unit_or_is_a_day() {
        assert_eq!(away(Some(&at(700_000)), &at(100)), "in 8 d");
        assert_eq!(away(Some(&at(100)), &at(7_400)), "2 h ago");
        assert_eq!(away(Some(&at(100)), &at(100)), "now");
        assert_eq!(away(None, &at(100)), "-");
        assert_eq!(date(Some(&at(86_399))), "1970-01-01");
        assert_eq!(date(None), "-");
    }

    #[test]
    fn numbers_and_enums_are_readable() {
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(100), "100");
        assert_eq!(number(-1_000), "-1,000");
        assert_eq!(
            enum_value("SELECTION_STRATEGY_ROUND_ROBIN", "SELECTION_STRATEGY"),
            "round robin"
        );
    }
}
