//! Tests of `breaker.rs`, in simulated time.

use super::*;

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(1_000_000_000 + millis * 1_000)
}

pub(super) fn sight(caller: u128, version: u128, given: i64) -> Sight {
    Sight {
        caller: Uuid::from_u128(caller),
        version: Uuid::from_u128(version),
        given: at(given),
    }
}

pub(super) fn fail(breaker: &mut Breaker, sight: Sight, millis: i64) -> Option<Incident> {
    let event = Event::Failed {
        sight,
        stated: None,
        why: "http 503",
    };
    breaker.on(event, at(millis))
}

pub(super) fn succeed(breaker: &mut Breaker, sight: Sight, millis: i64) -> Option<Incident> {
    breaker.on(Event::Succeeded(sight), at(millis))
}

/// Two callers fail ten times.
fn opened() -> (Breaker, Incident) {
    let mut breaker = Breaker::default();
    let news = (0..10).filter_map(|n| fail(&mut breaker, sight(n % 2, n, 0), n as i64));
    let news: Vec<_> = news.collect();
    assert_eq!(news.len(), 1);
    (breaker, news.into_iter().next().unwrap())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}

#[test]
fn failures_of_several_callers_open_it_and_one_good_trial_closes_it() {
    let (mut breaker, incident) = opened();
    let asks = Uuid::from_u128(9);
    assert_eq!(breaker.passage(asks, at(20)), Passage::Shut(incident.until));
    assert_eq!(breaker.passage(asks, incident.until), Passage::Trial);
    assert!(breaker.is_trial(incident.until) && !breaker.is_trial(at(20)));
    // What was under way when it opened decides nothing.
    assert_eq!(succeed(&mut breaker, sight(9, 1, 5), 6_000), None);
    let trial = Sight {
        given: incident.until,
        ..sight(9, 1, 0)
    };
    let closed = succeed(&mut breaker, trial, 7_000).unwrap();
    assert_eq!(closed.ended, Some(at(7_000)));
    assert_eq!(breaker.passage(asks, at(7_000)), Passage::Free);
    // Late failures of what was sent before do not open it again.
    for n in 0..100 {
        assert_eq!(fail(&mut breaker, sight(n % 3, n, 5_000), 7_001), None);
    }
}

#[test]
fn a_failed_trial_opens_it_longer_up_to_a_bound() {
    let (mut breaker, mut incident) = opened();
    for strikes in 2..20 {
        let trial = Sight {
            given: incident.until,
            ..sight(3, 1, 0)
        };
        let before = incident.until;
        let event = Event::Failed {
            sight: trial,
            stated: None,
            why: "http 503",
        };
        incident = breaker.on(event, before).unwrap();
        assert_eq!(incident.strikes, strikes);
        let expected = (OPEN_FIRST * 2_u32.pow((strikes - 1).min(8))).min(OPEN_MAX);
        let open = incident.until.since(before);
        assert!(
            open >= expected && open <= expected.mul_f64(1.25),
            "{open:?}"
        );
    }
}

#[test]
fn a_stated_delay_counts_and_one_caller_cannot_lengthen_it() {
    let mut breaker = Breaker::default();
    let mut news = None;
    for n in 0..10_u64 {
        let stated = [
            Some(Duration::from_hours(700)),
            Some(Duration::from_secs(30)),
        ];
        let event = Event::Failed {
            sight: sight(u128::from(n % 2), 1, 0),
            stated: stated[n as usize % 2],
            why: "http 503",
        };
        news = news.or(breaker.on(event, at(0)));
    }
    assert_eq!(news.unwrap().until, at(30_000));
    let (mut breaker, incident) = opened();
    let event = Event::Failed {
        sight: Sight {
            given: incident.until,
            ..sight(1, 1, 0)
        },
        stated: Some(Duration::from_hours(700)),
        why: "http 503",
    };
    let again = breaker.on(event, incident.until).unwrap();
    assert_eq!(again.until, incident.until.after(OPEN_MAX));
}

#[test]
fn a_relapse_goes_on_where_it_had_been() {
    let (mut breaker, incident) = opened();
    let trial = Sight {
        given: incident.until,
        ..sight(9, 1, 0)
    };
    let closed = breaker.on(Event::Succeeded(trial), incident.until).unwrap();
    let news = (0..30).find_map(|n| {
        let relapsed = sight(n % 2, n, 20_000);
        fail(&mut breaker, relapsed, 20_000)
    });
    assert_eq!((closed.strikes, news.unwrap().strikes), (1, 2));
}

#[test]
fn a_brown_out_of_thirty_percent_opens_nothing_at_any_rate() {
    for gap in [5, 50, 200, 900] {
        for callers in 1..4 {
            let mut breaker = Breaker::default();
            // Bad luck comes in runs too: a fixed sequence that looks random, three in ten of it failures.
            let mut random = 12_345_u64;
            for n in 0..millis(Duration::from_mins(1)) / gap {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let sight = sight(n as u128 % callers, n as u128 % 5, n * gap);
                let news = if (random >> 33) % 10 < 3 {
                    fail(&mut breaker, sight, n * gap)
                } else {
                    succeed(&mut breaker, sight, n * gap)
                };
                assert_eq!(news, None, "{callers} callers, one use in {gap} ms");
            }
        }
    }
}

#[test]
fn an_outage_of_a_busy_provider_is_seen_within_a_second_or_so() {
    let mut breaker = Breaker::default();
    for n in 0..3_000 {
        succeed(&mut breaker, sight(n as u128 % 4, n as u128 % 5, n), n);
    }
    let opened = (3_000..6_000).find(|n| {
        let sight = sight(*n as u128 % 4, *n as u128 % 5, *n);
        fail(&mut breaker, sight, *n).is_some()
    });
    assert!(opened.unwrap() < 4_200, "{opened:?}");
}

#[test]
fn what_was_read_before_the_last_turn_changes_nothing() {
    let (mut breaker, first) = opened();
    let trial = Sight {
        given: first.until,
        ..sight(9, 1, 0)
    };
    let closed = breaker.on(Event::Succeeded(trial), first.until).unwrap();
    breaker.on(Event::Told(&first), first.until);
    assert!(breaker.is_closed());
    let mut again = (0..30).filter_map(|n| fail(&mut breaker, sight(n % 2, n, 40_000), 40_000));
    let again = again.next().unwrap();
    breaker.on(Event::Told(&closed), at(40_001));
    assert_eq!(breaker.open(at(40_001)), Some(&again));
    // A person's word is about what stands.
    let cleared = Incident {
        ended: Some(at(40_002)),
        ..again
    };
    breaker.on(Event::Told(&cleared), at(40_002));
    assert!(breaker.is_closed());
}
