//! Tests of `transition.rs`.

use super::*;
use crate::domain::health::FailureClass;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn cause(until: i64, accuser: Option<u128>) -> Cause {
    Cause {
        until: at(until),
        why: "why".to_owned(),
        class: FailureClass::Credential,
        accuser: accuser.map(Uuid::from_u128),
        tried: None,
        strikes: 0,
    }
}

fn dead(until: i64) -> Health {
    Health::Dead(cause(until, None))
}

fn accused(until: i64, by: u128) -> Health {
    Health::Dead(cause(until, Some(by)))
}

fn cooling(until: i64) -> Health {
    Health::Cooling(cause(until, None))
}

/// What becomes of the first when the second is said at 100 s.
fn onto(stored: Health, to: Health) -> Option<Health> {
    let transition = Transition {
        to,
        who: Who::Probe,
        confirmed_ttl: Duration::from_secs(1_000),
    };
    transition.onto(&stored, at(100))
}

#[test]
fn a_worse_or_longer_verdict_stands() {
    for (stored, to) in [
        (Health::Active, Health::Active),
        (cooling(200), Health::Active),
        (dead(200), Health::Active),
        (cooling(200), cooling(150)),
        (dead(200), cooling(900)),
        (dead(50), cooling(900)),
        (dead(200), dead(150)),
        (dead(200), accused(900, 1)),
        (accused(200, 1), accused(150, 1)),
    ] {
        assert_eq!(onto(stored.clone(), to.clone()), None, "{stored:?} {to:?}");
    }
}

#[test]
fn what_is_worse_or_longer_is_taken() {
    for (stored, to) in [
        (Health::Active, cooling(200)),
        (Health::Active, accused(200, 1)),
        (cooling(900), dead(200)),
        (cooling(50), cooling(60)),
        (dead(50), Health::Active),
        (dead(200), dead(300)),
        (dead(50), accused(160, 1)),
        (accused(900, 1), dead(300)),
        // Proven well before its time: the canary may go.
        (dead(200), dead(100)),
        (accused(200, 1), accused(100, 1)),
    ] {
        assert_eq!(onto(stored, to.clone()), Some(to));
    }
}

/// A budget that this caller alone says is spent, and that a lease may try from then on.
fn alleged(until: i64, by: u128, tried: i64) -> Health {
    Health::Cooling(Cause {
        class: FailureClass::Quota,
        tried: Some(at(tried)),
        ..cause(until, Some(by))
    })
}

#[test]
fn what_one_caller_says_of_a_budget_is_refuted_before_its_time_or_made_true() {
    assert_eq!(
        onto(alleged(90_000, 1, 90), Health::Active),
        Some(Health::Active)
    );
    assert_eq!(onto(alleged(90_000, 1, 90), alleged(90_000, 1, 90)), None);
    let both = onto(alleged(90_000, 1, 160), alleged(90_010, 2, 165)).unwrap();
    let cause = both.cause().unwrap();
    assert_eq!((cause.until, cause.accuser), (at(90_010), None));
    // It has no word in how long the other's is believed.
    let shorter = onto(alleged(90_000, 1, 160), alleged(9_000, 2, 165)).unwrap();
    let cause = shorter.cause().unwrap();
    assert_eq!((cause.until, cause.tried), (at(90_000), Some(at(9_000))));
}

#[test]
fn one_word_puts_a_canary_off_no_longer_than_it_is_believed() {
    let held = onto(dead(120), alleged(90_000, 1, 160)).unwrap();
    assert_eq!(held.cause().unwrap().until, at(160));
    assert_eq!(onto(dead(200), alleged(90_000, 1, 160)), None);
}

#[test]
fn two_callers_that_did_not_know_of_each_other_confirm_each_other() {
    assert_eq!(onto(accused(150, 1), accused(160, 2)), Some(dead(1_100)));
    // Not where the first word was over.
    assert_eq!(onto(accused(90, 1), accused(160, 2)), Some(accused(160, 2)));
}

#[test]
fn two_callers_rows_of_failures_are_a_cooldown_and_no_death() {
    let row = |until, by| {
        Health::Dead(Cause {
            class: FailureClass::Unknown,
            ..cause(until, Some(by))
        })
    };
    let both = onto(row(150, 1), row(160, 2));
    assert!(matches!(both, Some(Health::Cooling(cause))
        if cause.until == at(1_100) && cause.accuser.is_none()));
    assert_eq!(onto(row(150, 1), cooling(900)), Some(cooling(900)));
    assert_eq!(onto(row(150, 1), accused(140, 2)), Some(accused(140, 2)));
    assert_eq!(onto(accused(160, 1), row(150, 2)), None);
}

#[test]
fn a_spent_budget_puts_the_canary_of_a_stored_death_off() {
    let budget = |until| {
        Health::Cooling(Cause {
            class: FailureClass::Quota,
            ..cause(until, None)
        })
    };
    for stored in [accused(50, 1), accused(160, 1), dead(160)] {
        assert_eq!(onto(stored.clone(), budget(40)), None);
        let Some(Health::Dead(held)) = onto(stored.clone(), budget(900)) else {
            panic!("{stored:?}")
        };
        let was = stored.cause().unwrap();
        assert_eq!((held.until, held.accuser), (at(900), was.accuser));
        assert_eq!(held.class, was.class);
    }
}

#[test]
fn only_its_own_judgement_commits_what_a_canary_found_well() {
    let by = |who, to| Transition {
        to,
        who,
        confirmed_ttl: Duration::ZERO,
    };
    let caller = Uuid::from_u128(1);
    assert!(by(Who::Canary(caller), Health::Active).needs_right());
    // What it found dead is anybody's news, as is what others say.
    assert!(!by(Who::Canary(caller), dead(9)).needs_right());
    assert!(!by(Who::Caller(caller), dead(9)).needs_right());
    assert!(!by(Who::Probe, dead(9)).needs_right());
}
