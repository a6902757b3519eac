//! Points in time as providers write them: RFC 3339, HTTP dates, `2026-09-16 13:42:53`, and the epoch in seconds or milliseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use ::time::format_description::well_known::Rfc3339;
use ::time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::domain::time::Timestamp;

/// Smaller numbers are lengths of time: this second was in 2001.
const EPOCH_SECONDS_MIN: f64 = 1e9;
/// Larger numbers of seconds are milliseconds: that second will be in 5138.
const EPOCH_SECONDS_MAX: f64 = 1e11;

const DAY_MICROS: i64 = 86_400_000_000;

/// An HTTP date.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let at: SystemTime = httpdate::parse_http_date(text.trim()).ok()?;
    let micros = at.duration_since(UNIX_EPOCH).ok()?.as_micros();
    Some(Timestamp::from_micros(i64::try_from(micros).ok()?))
}

/// Seconds or milliseconds since 1970, told apart by their size; a smaller number is none.
pub(super) fn epoch(text: &str) -> Option<Timestamp> {
    let value: f64 = text.trim().parse().ok()?;
    if !value.is_finite() || value < EPOCH_SECONDS_MIN {
        return None;
    }
    let seconds = if value < EPOCH_SECONDS_MAX {
        value
    } else {
        value / 1_000.0
    };
    // Cut at the type's end by `as`, which is far from any time that is believed.
    Some(Timestamp::from_micros((seconds * 1e6) as i64))
}

/// A date and time; where it names no zone it is `zone_hours` east of UTC.
pub(super) fn date_time(text: &str, zone_hours: i8) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = OffsetDateTime::parse(&text.to_ascii_uppercase(), &Rfc3339) {
        return of(at);
    }
    let date = parse_date(text.get(..10)?)?;
    let rest = text.get(10..)?.trim_start_matches(['t', 'T', ' ', ',']);
    let rest = rest.strip_prefix("at ").unwrap_or(rest);
    let (time, zone) = parse_time(rest);
    let zone = parse_zone(zone, zone_hours)?;
    of(PrimitiveDateTime::new(date, time).assume_offset(zone))
}

/// `hh:mm[:ss]` at the beginning of a text, with the zone of UTC behind it: the next such time after `now`. Of another zone, or of none,
/// nobody knows when that is; and whether two digits are of the morning depends on what follows.
pub(super) fn next_time_of_day(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (clock, zone) = time_of_day(text)?;
    let word = zone
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '-')
        .next()?;
    if !["z", "utc", "gmt"].contains(&word) {
        return None;
    }
    let today = now.micros().rem_euclid(DAY_MICROS);
    let (hour, minute, second) = clock.as_hms();
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    let ahead = (seconds * 1_000_000 - today).rem_euclid(DAY_MICROS);
    let ahead = if ahead == 0 { DAY_MICROS } else { ahead };
    Some(Timestamp::from_micros(now.micros().checked_add(ahead)?))
}

/// Whether a text begins like `hh:mm`.
pub(super) fn begins_time_of_day(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut after = text.bytes().skip(digits);
    (1..=2).contains(&digits)
        && after.next() == Some(b':')
        && after.next().is_some_and(|byte| byte.is_ascii_digit())
}

fn time_of_day(text: &str) -> Option<(Time, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':');
    let end = end.unwrap_or(text.len());
    let mut parts = text[..end].split(':').map(str::parse::<u8>);
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().map_or(Some(0), Result::ok)?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    parts
        .next()
        .is_none()
        .then(|| (time, text[end..].trim_start()))
}

/// Any of them.
pub(super) fn any(text: &str, zone_hours: i8) -> Option<Timestamp> {
    epoch(text)
        .or_else(|| date_time(text, zone_hours))
        .or_else(|| http_date(text))
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year: u16 = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day: u8 = parts.next()?.parse().ok()?;
    Date::from_calendar_date(i32::from(year), Month::try_from(month).ok()?, day).ok()
}

/// `hh:mm[:ss[.fff]]` and what follows; midnight if there is none.
fn parse_time(text: &str) -> (Time, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != ':')
        .unwrap_or(text.len());
    let mut parts = text[..end].split(':').map(str::parse::<u8>);
    let mut next = || parts.next().and_then(Result::ok);
    let (hour, minute) = (next(), next());
    let time = match (hour, minute) {
        (Some(hour), Some(minute)) => Time::from_hms(hour, minute, next().unwrap_or(0)).ok(),
        _ => None,
    };
    let rest = text[end..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    (time.unwrap_or(Time::MIDNIGHT), rest.trim_start())
}

fn parse_zone(text: &str, zone_hours: i8) -> Option<UtcOffset> {
    let lower = text.to_ascii_lowercase();
    if ["z", "utc", "gmt"].iter().any(|utc| lower.starts_with(utc)) {
        return Some(UtcOffset::UTC);
    }
    let sign = match lower.chars().next() {
        Some('+') => 1,
        Some('-') => -1,
        _ => return UtcOffset::from_hms(zone_hours, 0, 0).ok(),
    };
    let hours: i8 = lower.get(1..3).and_then(|h| h.parse().ok()).unwrap_or(0);
    UtcOffset::from_hms(sign * hours, 0, 0).ok()
}

fn of(at: OffsetDateTime) -> Option<Timestamp> {
    let micros = i64::try_from(at.unix_timestamp_nanos() / 1_000).ok()?;
    Some(Timestamp::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str, zone_hours: i8) -> Option<i64> {
        any(text, zone_hours).map(|at| at.micros() / 1_000_000)
    }

    #[test]
    fn points_in_time_are_read_in_all_their_forms() {
        for (text, expected) in [
            ("2026-02-18T22:00:00Z", 1_771_452_000),
            ("2026-02-18T22:00:00.5+00:00", 1_771_452_000),
            ("2026-02-18 22:00:00", 1_771_452_000),
            ("2026-02-18 at 22:00 utc", 1_771_452_000),
            ("2026-02-19t06:00:00+08:00", 1_771_452_000),
            ("2026-02-18", 1_771_372_800),
            ("Wed, 18 Feb 2026 22:00:00 GMT", 1_771_452_000),
            ("1771452000", 1_771_452_000),
            ("1771452000000", 1_771_452_000),
            ("1771452000.25", 1_771_452_000),
        ] {
            assert_eq!(seconds(text, 0), Some(expected), "{text}");
        }
        assert_eq!(seconds("2026-02-19 06:00:00", 8), Some(1_771_452_000));
    }

    #[test]
    fn what_is_no_point_in_time_is_none() {
        for text in [
            "",
            "0",
            "60",
            "-1771452000",
            "2026-13-01",
            "soon",
            "2026-02",
            "余额不足余额不足",
        ] {
            assert_eq!(seconds(text, 0), None, "{text}");
        }
    }
}
