//! What opens a breaker where several keys are in use, or little is; and how long delays hold that are stated.

use super::tests::{at, fail, sight, succeed};
use super::*;

/// These callers fail in turn with these keys, so many times, once in so many milliseconds. Answers when it opens.
fn failing(callers: u128, keys: u128, times: i64, gap: i64, breaker: &mut Breaker) -> Option<i64> {
    (0..times).find(|n| {
        let turn = *n as u128;
        let sight = sight(turn % callers, 100 + turn % keys, n * gap);
        fail(breaker, sight, n * gap).is_some()
    })
}

#[test]
fn what_several_callers_meet_with_one_key_of_several_opens_nothing() {
    let mut breaker = Breaker::default();
    breaker.used(true);
    assert_eq!(failing(3, 1, 1_000, 10, &mut breaker), None);
    assert!(failing(3, 2, 100, 10, &mut breaker).is_some());
    // Where no other key is in use, nobody could tell.
    let mut breaker = Breaker::default();
    breaker.used(false);
    assert_eq!(failing(3, 1, 100, 10, &mut breaker), Some(9));
}

#[test]
fn little_traffic_opens_it_too() {
    for (callers, keys) in [(1, 2), (2, 2)] {
        let mut breaker = Breaker::default();
        breaker.used(true);
        assert_eq!(
            failing(callers, keys, 12, 5_000, &mut breaker),
            Some(9),
            "{callers}"
        );
    }
    // And no less than one failure in six seconds.
    let mut breaker = Breaker::default();
    assert_eq!(failing(2, 2, 100, 7_000, &mut breaker), None);
}

#[test]
fn what_fails_for_everybody_is_shut_however_many_they_are_and_however_rarely_each_asks() {
    for callers in [7, 10, 17, 200, 1_000] {
        let mut breaker = Breaker::default();
        breaker.used(true);
        assert_eq!(failing(callers, 3, 20, 10, &mut breaker), Some(9));
        let why = &breaker.open(at(90)).unwrap().why;
        let said = format!(
            "10 of the last 10 uses of {} callers failed",
            callers.min(10)
        );
        assert!(why.ends_with(&said), "{why}");
    }
    // One key of several is no provider, whoever says so.
    let mut breaker = Breaker::default();
    breaker.used(true);
    assert_eq!(failing(200, 1, 600, 10, &mut breaker), None);
}

#[test]
fn where_many_did_well_before_an_outage_is_seen_soon_and_shuts_out_all_of_them() {
    let mut breaker = Breaker::default();
    let turn = |n: i64| sight((n % 60) as u128, (n % 3) as u128, n * 500);
    for n in 0..60 {
        succeed(&mut breaker, turn(n), n * 500);
    }
    let opened = (60..120).find(|n| fail(&mut breaker, turn(*n), n * 500).is_some());
    assert!(opened.unwrap() < 82, "{opened:?}");
    for n in 82..120 {
        fail(&mut breaker, turn(n), n * 500);
    }
    let asks = Uuid::from_u128(99);
    assert_ne!(breaker.passage(asks, at(60_000)), Passage::Free);
}

/// Fails with a delay in seconds.
fn told(breaker: &mut Breaker, sight: Sight, seconds: u64, millis: i64) -> Option<Incident> {
    let event = Event::Failed {
        sight,
        stated: Some(Duration::from_secs(seconds)),
        why: "http 503",
    };
    breaker.on(event, at(millis))
}

#[test]
fn a_delay_that_two_callers_were_told_holds_with_a_trial_an_hour() {
    for (seconds, open) in [(600, 600), (86_400, 3_600)] {
        let mut breaker = Breaker::default();
        let mut news = (0..6).filter_map(|n| told(&mut breaker, sight(n % 2, n, 0), seconds, 0));
        // Three failures of each are word enough.
        let incident = news.next().unwrap();
        assert_eq!(incident.until, at(open * 1_000));
        // The trial of a third says so again, which the first two bear out as far as they go.
        let trial = Sight {
            given: incident.until,
            ..sight(9, 9, 0)
        };
        let again = told(&mut breaker, trial, 86_400, open * 1_000).unwrap();
        let open_for = again.until.since(incident.until);
        let is_agreed = seconds > 3_600;
        let bound = if is_agreed { TRIED } else { OPEN_MAX };
        assert_eq!(open_for, bound);
    }
}

const TRIED: Duration = Duration::from_hours(1);

#[test]
fn a_short_delay_or_one_callers_opens_nothing_earlier() {
    let mut breaker = Breaker::default();
    let short = (0..6).find_map(|n| told(&mut breaker, sight(n % 2, n, 0), 5, 0));
    assert_eq!(short, None);
    let mut breaker = Breaker::default();
    let alone = (0..9).find_map(|n| told(&mut breaker, sight(1, n, 0), 86_400, 0));
    assert_eq!(alone, None);
    let opened = told(&mut breaker, sight(1, 9, 0), 86_400, 0).unwrap();
    assert_eq!(opened.until, at(0).after(OPEN_MAX));
}

#[test]
fn leases_grow_back_for_as_long_as_it_was_shut() {
    let mut breaker = Breaker::default();
    failing(2, 2, 10, 1, &mut breaker).unwrap();
    assert_eq!(breaker.growing(), None);
    let given = breaker.open(at(20)).unwrap().until;
    let trial = Sight {
        given,
        ..sight(9, 9, 0)
    };
    breaker.on(Event::Succeeded(trial), at(20_009));
    assert_eq!(
        breaker.growing(),
        Some((at(20_009), Duration::from_secs(20)))
    );
    // A person gives all of it back.
    let mut cleared = breaker.incident.clone().unwrap();
    cleared.strikes = 0;
    breaker.incident = Some(cleared);
    assert_eq!(breaker.growing(), None);
    succeed(&mut breaker, sight(1, 1, 30_000), 30_000);
}
