//! Lengths of time as providers write them: `1s`, `6m0s`, `20ms`, `1.574`, `9m38.016s`, `22.14:18:12`, `2 hours and 5 minutes`, and as
//! ISO 8601 has them: `pt30s`, in lower case like all texts.

use std::time::Duration;

/// The unit of a number that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    Seconds,
    Milliseconds,
    /// It is not a length of time.
    Nothing,
}

/// The whole text as a length of time.
pub(super) fn whole(text: &str, bare: Bare) -> Option<Duration> {
    let text = text.trim();
    let iso = text.strip_prefix('p').map(|iso| iso.replacen('t', "", 1));
    let (text, bare) = iso
        .as_deref()
        .map_or((text, bare), |iso| (iso, Bare::Nothing));
    let (duration, rest) = leading(text, bare)?;
    rest.trim().is_empty().then_some(duration)
}

/// A length of time at the beginning of a text, and what follows.
pub(super) fn leading(text: &str, bare: Bare) -> Option<(Duration, &str)> {
    if let Some(found) = time_span(text) {
        return Some(found);
    }
    let (first, mut rest) = number(text)?;
    let Some((unit, after)) = unit(rest) else {
        let scale = match bare {
            Bare::Seconds => 1.0,
            Bare::Milliseconds => 0.001,
            Bare::Nothing => return None,
        };
        return Some((scaled(first, scale)?, rest));
    };
    let mut total = scaled(first, unit)?;
    rest = after;
    // `2h31m10.4s`, `1 minute and 30 seconds`.
    while let Some((part, after)) = next_part(rest) {
        total = total.checked_add(part)?;
        rest = after;
    }
    Some((total, rest))
}

fn next_part(text: &str) -> Option<(Duration, &str)> {
    let text = text.trim_start_matches([' ', ',']);
    let text = text.strip_prefix("and ").unwrap_or(text);
    let (value, rest) = number(text)?;
    let (unit, rest) = unit(rest)?;
    Some((scaled(value, unit)?, rest))
}

/// A number without a sign; negative ones state nothing.
fn number(text: &str) -> Option<(f64, &str)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let end = text
        .find(|c: char| !is_digit(c) && c != '.')
        .unwrap_or(text.len());
    // A dot at the end ends a sentence.
    let digits = text[..end].trim_end_matches('.');
    if !digits.starts_with(is_digit) {
        return None;
    }
    let value: f64 = digits.parse().ok()?;
    Some((value, &text[digits.len()..]))
}

/// A unit in seconds. The longest names first, so that none is taken for the beginning of another.
const UNITS: [(&str, f64); 33] = [
    ("milliseconds", 0.001),
    ("millisecond", 0.001),
    ("microseconds", 0.000_001),
    ("nanoseconds", 0.000_000_001),
    ("seconds", 1.0),
    ("minutes", 60.0),
    ("second", 1.0),
    ("minute", 60.0),
    ("hours", 3_600.0),
    ("weeks", 604_800.0),
    ("hour", 3_600.0),
    ("week", 604_800.0),
    ("days", 86_400.0),
    ("secs", 1.0),
    ("mins", 60.0),
    ("day", 86_400.0),
    ("sec", 1.0),
    ("min", 60.0),
    ("hrs", 3_600.0),
    ("hr", 3_600.0),
    ("ms", 0.001),
    ("µs", 0.000_001),
    ("ns", 0.000_000_001),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
    ("毫秒", 0.001),
    ("个小时", 3_600.0),
    ("小时", 3_600.0),
    ("分", 60.0),
    ("秒", 1.0),
    ("天", 86_400.0),
];

fn unit(text: &str) -> Option<(f64, &str)> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let named = UNITS.iter().find_map(|(name, seconds)| {
        let rest = text.strip_prefix(name)?;
        // `5 more` has no unit, `1h5m` has.
        let goes_on = name.is_ascii() && rest.starts_with(|c: char| c.is_ascii_alphabetic());
        (!goes_on).then_some((*seconds, rest))
    });
    let (seconds, rest) = named?;
    Some((seconds, rest.strip_prefix(['钟', '鐘']).unwrap_or(rest)))
}

/// The form of .NET: `[d.]hh:mm:ss[.fff]`.
fn time_span(text: &str) -> Option<(Duration, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')
        .unwrap_or(text.len());
    let whole = text[..end].trim_end_matches(['.', ':']);
    let mut parts = whole.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let days: u32 = days.parse().ok()?;
    let hours: u32 = hours.parse().ok().filter(|hours| *hours < 24)?;
    let minutes: u32 = minutes.parse().ok().filter(|minutes| *minutes < 60)?;
    let seconds: f64 = seconds.parse().ok().filter(|seconds| *seconds < 60.0)?;
    let whole_minutes = f64::from(days) * 1_440.0 + f64::from(hours * 60 + minutes);
    Some((
        scaled(whole_minutes * 60.0 + seconds, 1.0)?,
        &text[whole.len()..],
    ))
}

fn scaled(value: f64, unit: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value * unit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_in_all_their_forms() {
        for (text, millis) in [
            ("1s", 1_000),
            ("6m0s", 360_000),
            ("20ms", 20),
            ("1.574s", 1_574),
            ("9m38.016s", 578_016),
            ("2h31m10.4s", 9_070_400),
            ("1d2h", 93_600_000),
            ("45.2", 45_200),
            ("30 seconds", 30_000),
            ("1 minute and 30 seconds", 90_000),
            ("2 hours, 5 minutes", 7_500_000),
            ("22.14:18:12", 1_952_292_000),
            ("00:01:30", 90_000),
            ("5分钟", 300_000),
            ("pt30s", 30_000),
            ("p1dt2h", 93_600_000),
            ("30 秒", 30_000),
        ] {
            let read = whole(text, Bare::Seconds);
            assert_eq!(read, Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(
            whole("250", Bare::Milliseconds),
            Some(Duration::from_millis(250))
        );
    }

    #[test]
    fn what_is_no_length_of_time_is_nothing() {
        for text in [
            "",
            "-5",
            "soon",
            "NaN",
            "inf",
            "5 more",
            "1e400",
            "25:00:00:00",
            ".",
            "5 parsecs",
            "p",
            "pt30",
            "ppt30s",
        ] {
            assert_eq!(whole(text, Bare::Nothing), None, "{text}");
        }
        assert_eq!(whole("-5", Bare::Seconds), None);
        assert_eq!(whole(&"9".repeat(400), Bare::Seconds), None);
    }
}
