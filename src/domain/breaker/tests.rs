//! Tests of `breaker.rs`, in simulated time.

use proptest::prelude::*;

use super::*;
use crate::domain::incident::ACCUSERS_MAX;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(1_000_000_000 + millis * 1_000)
}

fn sight(caller: u128, version: u128, given: i64) -> Sight {
    Sight {
        caller: Uuid::from_u128(caller),
        version: Uuid::from_u128(version),
        given: at(given),
    }
}

fn fail(breaker: &mut Breaker, sight: Sight, millis: i64) -> Option<Incident> {
    let event = Event::Failed {
        sight,
        stated: None,
        why: "http 503",
    };
    breaker.on(event, at(millis))
}

fn succeed(breaker: &mut Breaker, sight: Sight, millis: i64) -> Option<Incident> {
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
    breaker.send_trial(incident.until.after(Duration::from_secs(30)));
    let out = Passage::Shut(incident.until.after(Duration::from_secs(30)));
    assert_eq!(breaker.passage(asks, incident.until), out);
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
fn one_caller_needs_several_keys_and_nobody_who_says_otherwise() {
    let lies = |breaker: &mut Breaker, keys: u128, millis: i64| {
        (0..1_000).find_map(|n| fail(breaker, sight(1, n % keys, millis), millis))
    };
    let mut breaker = Breaker::default();
    assert_eq!(lies(&mut breaker, 1, 0), None);
    // Another's success of two minutes ago speaks against it; of longer ago, it does not.
    let mut breaker = Breaker::default();
    succeed(&mut breaker, sight(2, 1, 0), 0);
    assert_eq!(lies(&mut breaker, 5, 119_000), None);
    assert!(lies(&mut breaker, 5, 120_000).is_some());
    // Nor does one whose last use failed as well.
    let mut breaker = Breaker::default();
    succeed(&mut breaker, sight(2, 1, 0), 0);
    fail(&mut breaker, sight(2, 1, 1), 1);
    assert!(lies(&mut breaker, 5, 1_000).is_some());
}

#[test]
fn what_one_caller_says_elsewhere_shuts_out_nobody_who_does_well_here() {
    let mut liar = Breaker::default();
    let news = (0..10).find_map(|n| fail(&mut liar, sight(1, n, 0), 0));
    let alleged = news.unwrap();
    let mut breaker = Breaker::default();
    succeed(&mut breaker, sight(2, 1, 0), 0);
    breaker.on(Event::Told(&alleged), at(1));
    let (two, one) = (Uuid::from_u128(2), Uuid::from_u128(1));
    assert_eq!(breaker.passage(two, at(2)), Passage::Free);
    // A use of it that goes well once a trial might have gone out ends it for the fleet.
    let later = Sight {
        given: alleged.until,
        ..sight(2, 1, 0)
    };
    assert!(breaker.on(Event::Succeeded(later), alleged.until).is_some());
    // Who spoke of it alone is not the first to try.
    let graced = alleged.until.after(GRACE);
    assert_eq!(liar.passage(two, alleged.until), Passage::Trial);
    assert_eq!(liar.passage(one, alleged.until), Passage::Shut(graced));
    assert_eq!(liar.passage(one, graced), Passage::Trial);
}

proptest! {
    /// Whatever is reported by one caller, if another does well now and then, it never opens, and memory has an end.
    #[test]
    fn one_caller_closes_no_provider_that_serves_another(
        events in proptest::collection::vec((any::<bool>(), 0_u128..4, 0_i64..2_000), 1..400)
    ) {
        let mut breaker = Breaker::default();
        let mut now = 0;
        succeed(&mut breaker, sight(7, 7, 0), 0);
        for (is_failure, version, gap) in events {
            now += gap;
            if now % 10 == 0 || gap > 1_900 {
                succeed(&mut breaker, sight(7, 7, now), now);
            }
            let sight = sight(1, version, now);
            let news = if is_failure { fail(&mut breaker, sight, now) } else { succeed(&mut breaker, sight, now) };
            // The witness is heard of at least every two minutes in all that can be generated but rare gaps.
            if breaker.sights.is_well_beside(&[Uuid::from_u128(1)], at(now)) {
                prop_assert_eq!(news, None);
            }
        }
    }

    /// However it came there: while it is open, nothing passes but one trial at its end, and the end is near.
    #[test]
    fn an_open_breaker_lets_one_trial_pass_and_reopens_within_its_bound(
        events in proptest::collection::vec((0_u8..4, 0_u128..30, 0_u128..4, 0_i64..4_000), 1..300)
    ) {
        let mut breaker = Breaker::default();
        let mut now = 0;
        for (kind, caller, version, gap) in events {
            now += gap;
            let sight = sight(caller, version, now - gap);
            match kind {
                0 => drop(succeed(&mut breaker, sight, now)),
                _ => drop(fail(&mut breaker, sight, now)),
            }
            prop_assert!(breaker.sights.callers() <= ACCUSERS_MAX);
            let asks = Uuid::from_u128(99);
            match (breaker.open(at(now)).cloned(), breaker.passage(asks, at(now))) {
                (None, passage) => prop_assert_eq!(passage, Passage::Free),
                (Some(incident), passage) => {
                    prop_assert!(incident.accusers.len() <= ACCUSERS_MAX);
                    prop_assert!(incident.until <= at(now).after(OPEN_MAX.mul_f64(1.25)));
                    let is_shut = at(now) < incident.until;
                    prop_assert_eq!(passage == Passage::Trial, !is_shut);
                    if !is_shut {
                        breaker.send_trial(at(now).after(Duration::from_secs(9)));
                        prop_assert!(matches!(breaker.passage(asks, at(now)), Passage::Shut(_)));
                        breaker.recall_trial();
                    }
                }
            }
        }
    }
}
