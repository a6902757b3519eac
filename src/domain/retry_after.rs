//! When a response itself says to come back: Retry-After in seconds or as an HTTP date, and retry-after-ms. The longest counts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::pool::TTL_MAX;
use super::time::Timestamp;

/// What the headers state, at most 31 days; `None` if nothing, or nothing that can be read.
#[must_use]
pub fn stated(headers: &[(String, Vec<u8>)], now: Timestamp) -> Option<Duration> {
    let values = headers.iter().filter_map(|(name, value)| {
        let text = std::str::from_utf8(value).ok()?.trim();
        match name.as_str() {
            "retry-after" => seconds(text, 1.0).or_else(|| date(text, now)),
            "retry-after-ms" => seconds(text, 0.001),
            _ => None,
        }
    });
    values.max().map(|stated| stated.min(TTL_MAX))
}

/// Whether a header states a time at all: then it is a number or a date, and nothing else.
#[must_use]
pub fn states(header: &(String, Vec<u8>)) -> bool {
    stated(std::slice::from_ref(header), Timestamp::from_micros(0)).is_some()
}

/// A number of seconds, fractions allowed; negative ones and what is no number state nothing.
fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() || value < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(value * unit).unwrap_or(TTL_MAX))
}

/// An HTTP date; one that has passed states zero.
fn date(text: &str, now: Timestamp) -> Option<Duration> {
    let at = httpdate::parse_http_date(text).ok()?;
    let now = system_time(now)?;
    Some(at.duration_since(now).unwrap_or_default())
}

fn system_time(at: Timestamp) -> Option<SystemTime> {
    let micros = u64::try_from(at.micros()).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Option<Duration> {
        let now = Timestamp::from_micros(784_111_777_000_000);
        stated(&[(name.to_owned(), value.as_bytes().to_vec())], now)
    }

    #[test]
    fn seconds_dates_and_milliseconds_are_read() {
        assert_eq!(of("retry-after", "30"), Some(Duration::from_secs(30)));
        assert_eq!(
            of("retry-after", " 1.5 "),
            Some(Duration::from_millis(1_500))
        );
        assert_eq!(
            of("retry-after-ms", "250"),
            Some(Duration::from_millis(250))
        );
        assert_eq!(
            of("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
            Some(Duration::from_secs(60))
        );
    }

    #[test]
    fn a_date_that_has_passed_states_zero() {
        let passed = of("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(passed, Some(Duration::ZERO));
    }

    #[test]
    fn absurd_values_are_capped_at_31_days() {
        assert_eq!(of("retry-after", "999999999999999999999"), Some(TTL_MAX));
        assert_eq!(
            of("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
            Some(TTL_MAX)
        );
    }

    #[test]
    fn what_cannot_be_read_states_nothing() {
        for value in ["", "-5", "soon", "NaN", "inf", "1e", "\u{0}"] {
            assert_eq!(of("retry-after", value), None, "{value:?}");
        }
        assert_eq!(of("x-retry", "5"), None);
    }

    #[test]
    fn the_longest_statement_counts() {
        let headers = [
            ("retry-after".to_owned(), b"1".to_vec()),
            ("retry-after-ms".to_owned(), b"2500".to_vec()),
        ];
        let longest = stated(&headers, Timestamp::from_micros(0));
        assert_eq!(longest, Some(Duration::from_millis(2_500)));
    }
}
