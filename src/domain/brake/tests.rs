//! Tests of `brake.rs`, in simulated time.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_000_000_000 + seconds * 1_000_000)
}

fn of_version(version: u128) -> Loss {
    Loss {
        // One account each.
        account: Uuid::from_u128(1_000 + version),
        version: Some(Uuid::from_u128(version)),
        keys: 1,
    }
}

fn of_account(account: u128, keys: usize) -> Loss {
    Loss {
        account: Uuid::from_u128(1_000 + account),
        version: None,
        keys,
    }
}

fn die(brake: &mut Brake, subject: u128, of: usize, seconds: i64) -> Option<Incident> {
    let event = Event::Died {
        loss: of_version(subject),
        of,
        until: None,
        caller: Some(Uuid::from_u128(7)),
        is_alleged: false,
    };
    brake.on(event, at(seconds))
}

#[test]
fn over_half_of_a_pool_within_a_minute_trips_it() {
    let mut brake = Brake::default();
    for subject in 0..5 {
        assert_eq!(die(&mut brake, subject, 10, 0), None);
        // The same one again is one death.
        assert_eq!(die(&mut brake, subject, 10, 1), None);
    }
    assert_eq!(brake.pause(at(1)), None);
    let news = die(&mut brake, 5, 10, 59).unwrap();
    assert_eq!((news.strikes, news.until), (1, at(59 + 60 + 120)));
    assert_eq!(news.accusers, [Uuid::from_u128(7)]);
    assert_eq!(brake.pause(at(59)), Some(PAUSE_FIRST));
    assert_eq!(brake.burst(at(59)).count(), 6);
    // The rest of the burst is the same matter.
    assert_eq!(die(&mut brake, 6, 10, 60), None);
    assert_eq!(brake.pause(at(239)), None);
}

#[test]
fn deaths_of_more_than_a_minute_are_no_burst() {
    let mut brake = Brake::default();
    for subject in 0..100 {
        let seconds = i64::try_from(subject).unwrap() * 13;
        assert_eq!(die(&mut brake, subject, 10, seconds), None);
    }
}

#[test]
fn what_is_revoked_alone_dies_in_a_small_pool_too() {
    assert_eq!(die(&mut Brake::default(), 1, 1, 0), None);
    let mut brake = Brake::default();
    assert_eq!(die(&mut brake, 1, 2, 0), None);
    assert!(die(&mut brake, 2, 2, 1).is_some(), "both within a minute");
    // An account that is closed takes all its keys with it, by one verdict.
    let mut brake = Brake::default();
    let closed = |subject| Event::Died {
        loss: of_account(subject, 5),
        of: 10,
        until: None,
        caller: None,
        is_alleged: false,
    };
    assert_eq!(brake.on(closed(1), at(0)), None);
    assert!(brake.on(closed(2), at(0)).is_some(), "two accounts at once");
}

#[test]
fn keys_that_are_really_dead_wait_longer_each_time_and_then_die() {
    let mut brake = Brake::default();
    let (mut now, mut pauses) = (0, Vec::new());
    for _ in 0..12 {
        // All ten are rejected together, and their canaries go out when the pause is over.
        for subject in 0..10 {
            die(&mut brake, subject, 10, now);
        }
        let pause = brake.pause(at(now)).unwrap();
        pauses.push(pause.as_secs() / 60);
        now += i64::try_from(pause.as_secs()).unwrap();
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]);
}

#[test]
fn a_key_that_fails_alone_after_the_brake_dies_for_as_long_as_ever() {
    let mut brake = Brake::default();
    (0..6).for_each(|subject| drop(die(&mut brake, subject, 10, 0)));
    assert_eq!(die(&mut brake, 0, 10, 61), None);
    assert_eq!(brake.pause(at(61)), Some(PAUSE_FIRST));
    assert_eq!(die(&mut brake, 0, 10, 200), None);
    assert_eq!(brake.pause(at(200)), None);
}

#[test]
fn a_burst_that_tripped_it_elsewhere_does_not_trip_it_again() {
    let mut there = Brake::default();
    let news = (0..6).find_map(|subject| die(&mut there, subject, 10, 0));
    let mut here = Brake::default();
    (0..5).for_each(|subject| drop(die(&mut here, subject, 10, 0)));
    here.on(Event::Told(&news.unwrap()), at(1));
    for subject in 5..10 {
        assert_eq!(die(&mut here, subject, 10, 2), None);
    }
    assert_eq!(here.pause(at(2)), Some(PAUSE_FIRST));
}

/// It died elsewhere, and is stored until then.
fn told(brake: &mut Brake, subject: u128, until: Timestamp, seconds: i64) -> Option<Incident> {
    let event = Event::Died {
        loss: of_version(subject),
        of: 10,
        until: Some(until),
        caller: None,
        is_alleged: false,
    };
    brake.on(event, at(seconds))
}

#[test]
fn what_died_for_a_day_before_the_brake_was_known_is_given_back_too() {
    let mut brake = Brake::default();
    let day = at(86_400);
    assert_eq!(told(&mut brake, 0, day, 0), None, "nothing holds");
    let trip = (1..6).find_map(|subject| die(&mut brake, subject, 10, 0));
    for (subject, seconds) in [(6, 1), (7, 150)] {
        let again = told(&mut brake, subject, day, seconds).unwrap();
        // No strike, and no later end: it is the same burst.
        assert_eq!(Some(&again), trip.as_ref());
        let burst: Vec<_> = brake.burst(at(seconds)).collect();
        assert!(burst.contains(&Uuid::from_u128(subject)));
        // What is given back by then says nothing more.
        let back = at(seconds).after(PAUSE_FIRST);
        assert_eq!(told(&mut brake, subject, back, seconds + 1), None);
    }
    assert_eq!(told(&mut brake, 8, day, 181), None, "it is over");
}

const fn sum(verdicts: usize, keys: usize) -> Sum {
    Sum { verdicts, keys }
}

/// By this caller's word alone.
fn accuse(brake: &mut Brake, subject: u128, by: u128) -> Option<Incident> {
    let event = Event::Died {
        loss: of_version(subject),
        of: 10,
        until: None,
        caller: Some(Uuid::from_u128(by)),
        is_alleged: true,
    };
    brake.on(event, at(0))
}

#[test]
fn what_one_caller_alone_says_trips_nothing_until_it_is_proven_or_another_says_it() {
    let mut brake = Brake::default();
    (0..10).for_each(|subject| assert_eq!(accuse(&mut brake, subject, 1), None));
    assert_eq!(die(&mut brake, 0, 10, 0), None, "one of them is proven");
    let news = accuse(&mut brake, 10, 2).unwrap();
    assert_eq!(news.accusers.len(), 2);
    let mut brake = Brake::default();
    (0..10).for_each(|subject| assert_eq!(accuse(&mut brake, subject, 1), None));
    let news = (0..10).find_map(|subject| die(&mut brake, subject, 10, 1));
    assert!(news.unwrap().why.starts_with("6 of 10 keys"));
}

#[test]
fn an_account_and_its_keys_are_one_loss() {
    let mut brake = Brake::default();
    let die = |brake: &mut Brake, loss| {
        let event = Event::Died {
            loss,
            of: 10,
            until: None,
            caller: None,
            is_alleged: false,
        };
        brake.on(event, at(0))
    };
    let of_closed = |version| Loss {
        account: of_account(1, 5).account,
        ..of_version(version)
    };
    for loss in [of_closed(1), of_closed(2), of_account(1, 5)] {
        assert_eq!(die(&mut brake, loss), None);
    }
    assert_eq!(brake.burst.sum(), sum(1, 5));
    for version in 1..6 {
        assert_eq!(die(&mut brake, of_closed(version)), None);
    }
    assert_eq!(brake.burst.sum(), sum(1, 5));
    let why = die(&mut brake, of_version(9)).unwrap().why;
    assert!(why.starts_with("6 of 10 keys"), "{why}");
    // A minute later all of it is forgotten, however it was counted.
    brake.burst.add(of_version(10), None, at(60));
    assert_eq!(brake.burst.sum(), sum(1, 1));
}

#[test]
fn a_burst_of_a_hundred_thousand_is_counted_as_it_comes() {
    let mut burst = Burst::default();
    for version in 0..100_000 {
        burst.add(of_version(version), None, at(0));
        burst.add(of_version(version), None, at(0));
    }
    assert_eq!((burst.sum(), burst.len()), (sum(100_000, 100_000), 100_000));
    burst.add(of_account(1, 7), None, at(61));
    assert_eq!((burst.sum(), burst.len()), (sum(1, 7), 1));
}

proptest! {
    /// Whatever dies when: memory holds a minute's deaths, and no burst trips it without over half of the pool.
    #[test]
    fn no_brake_without_half_of_the_pool(deaths in proptest::collection::vec((0_u128..8, 0_i64..40), 1..200)) {
        let (mut brake, mut now) = (Brake::default(), 0);
        let mut last = std::collections::HashMap::new();
        for (subject, gap) in deaths {
            now += gap;
            let news = die(&mut brake, subject, 8, now);
            last.insert(subject, now);
            let lately = last.values().filter(|at| now - **at < 60).count();
            prop_assert!(brake.burst.len() <= lately);
            prop_assert!(news.is_none() || lately > 4);
        }
    }
}
