//! What one caller can do by what it reports, and what holds whatever is reported.

use proptest::prelude::*;

use super::sights::WITNESSES_MAX;
use super::tests::{at, fail, sight, succeed};
use super::*;
use crate::domain::incident::ACCUSERS_MAX;

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
    let ended = breaker.on(Event::Succeeded(later), alleged.until).unwrap();
    assert_eq!((ended.strikes, breaker.growing()), (0, None));
    // Who spoke of it alone is not the first to try.
    let graced = alleged.until.after(GRACE);
    assert_eq!(liar.passage(two, alleged.until), Passage::Trial);
    assert_eq!(liar.passage(one, alleged.until), Passage::Shut(graced));
    assert_eq!(liar.passage(one, graced), Passage::Trial);
}

#[test]
fn two_who_collude_shut_out_nobody_who_does_well() {
    let mut breaker = Breaker::default();
    succeed(&mut breaker, sight(9, 1, 0), 0);
    for n in 0..20 {
        fail(&mut breaker, sight(n % 2, n, 0), 1_000);
    }
    let nine = Uuid::from_u128(9);
    assert_eq!(breaker.passage(nine, at(2_000)), Passage::Free);
    // Also where they speak at another replica, and until it has been idle for a while.
    let mut liars = Breaker::default();
    let alleged = (0..10).find_map(|n| fail(&mut liars, sight(n % 2, n, 0), 0));
    let mut breaker = Breaker::default();
    succeed(&mut breaker, sight(9, 1, 0), 0);
    breaker.on(Event::Told(&alleged.unwrap()), at(1));
    assert_eq!(breaker.passage(nine, at(2)), Passage::Free);
    assert_eq!(breaker.passage(nine, at(30_000)), Passage::Trial);
    // Where most say so it is shut for all.
    let mut breaker = Breaker::default();
    succeed(&mut breaker, sight(9, 1, 0), 0);
    for n in 0..40 {
        fail(&mut breaker, sight(n % 4, n, 0), 1_000);
    }
    assert!(matches!(breaker.passage(nine, at(1_001)), Passage::Shut(_)));
}

#[test]
fn few_who_lie_shut_out_nobody_of_many_who_ask_rarely_and_do_well() {
    let mut breaker = Breaker::default();
    for n in 0..12 {
        succeed(&mut breaker, sight(100 + n, n, 0), 0);
    }
    for n in 0..6 {
        assert_eq!(fail(&mut breaker, sight(n % 3, n, 0), 500), None);
    }
    for n in 0..30 {
        fail(&mut breaker, sight(n % 3, n, 0), 1_000);
    }
    let rare = Uuid::from_u128(100);
    assert_eq!(breaker.passage(rare, at(1_001)), Passage::Free);
}

#[test]
fn a_crowd_is_not_outweighed_by_few_though_an_incident_names_only_some_of_it() {
    let mut breaker = Breaker::default();
    for n in 0..5 {
        succeed(&mut breaker, sight(1_000 + n, n, 0), 0);
    }
    for n in 0..200 {
        fail(&mut breaker, sight(n, n % 3, 0), 1_000);
    }
    let accusers = breaker.open(at(1_001)).map(|i| i.accusers.len());
    assert_eq!(accusers, Some(ACCUSERS_MAX));
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

    /// However it came there: while it is open, nothing passes before its end, and the end is near.
    #[test]
    fn an_open_breaker_lets_nothing_pass_before_its_end_which_is_near(
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
            prop_assert!(breaker.sights.callers() <= WITNESSES_MAX);
            let asks = Uuid::from_u128(99);
            match (breaker.open(at(now)).cloned(), breaker.passage(asks, at(now))) {
                (None, passage) => prop_assert_eq!(passage, Passage::Free),
                (Some(incident), passage) => {
                    prop_assert!(incident.accusers.len() <= ACCUSERS_MAX);
                    prop_assert!(incident.until <= at(now).after(OPEN_MAX.mul_f64(1.25)));
                    let is_shut = at(now) < incident.until;
                    prop_assert_eq!(passage == Passage::Trial, !is_shut);
                }
            }
        }
    }
}
