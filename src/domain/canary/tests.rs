//! Tests of `canary.rs`, and below of `canary/seat.rs`.

use super::*;
use crate::domain::time::BootTime;

mod seats;

const LASTS: Duration = Duration::from_mins(1);
/// 5 s for giving, 60 s for reporting, 115 ms for the clocks.
const SPAN: i64 = 65_115;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(millis * 1_000)
}

fn boot(seconds: u64) -> BootTime {
    BootTime::from_nanos(seconds * 1_000_000_000)
}

fn ask(replica: u128, right: u128) -> Ask {
    Ask {
        boot_id: Uuid::from_u128(replica),
        right: Uuid::from_u128(right),
        lasts: LASTS,
        ended: Vec::new(),
    }
}

/// Asks at a time on which the replica and the database agree.
fn decide(ask: &Ask, held: Option<Right>, millis: i64) -> Answer {
    ask.decide(held, at(millis), at(millis), None)
}

fn given(answer: Answer) -> Right {
    match answer {
        Answer::Given(right) => right,
        other @ (Answer::Held(..) | Answer::Frozen(_)) => panic!("{other:?}"),
    }
}

#[test]
fn a_right_is_nobody_elses_until_its_lease_can_be_reported_no_more() {
    let first = given(decide(&ask(1, 10), None, 0));
    assert_eq!(first.until, at(SPAN));
    for millis in [0, 5_000, SPAN - 1] {
        let answer = decide(&ask(2, 20), Some(first), millis);
        assert!(matches!(answer, Answer::Held(..)), "{answer:?}");
    }
    let second = given(decide(&ask(2, 20), Some(first), SPAN));
    assert_eq!(second.boot_id, Uuid::from_u128(2));
}

#[test]
fn a_replica_gets_back_only_what_it_says_was_not_used() {
    let first = given(decide(&ask(1, 10), None, 0));
    assert!(matches!(
        decide(&ask(1, 11), Some(first), 1_000),
        Answer::Held(..)
    ));
    let again = Ask {
        ended: vec![Uuid::from_u128(9), Uuid::from_u128(10)],
        ..ask(1, 11)
    };
    assert_eq!(
        given(decide(&again, Some(first), 1_000)).id,
        Uuid::from_u128(11)
    );
    // Nobody speaks for another replica.
    let foreign = Ask {
        boot_id: Uuid::from_u128(2),
        ..again
    };
    assert!(matches!(
        decide(&foreign, Some(first), 1_000),
        Answer::Held(..)
    ));
}

#[test]
fn a_database_clock_that_steps_ends_no_right() {
    let first = given(decide(&ask(1, 10), None, 0));
    // The database says that an hour has passed, the replica's own clock that it was a second.
    let answer = ask(2, 20).decide(Some(first), at(3_600_000), at(1_000), None);
    let Answer::Held(stored, wait) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (stored.low, wait),
        (at(1_000), Duration::from_millis(64_115))
    );
    // And it does not go back with the clock either.
    let answer = ask(2, 20).decide(Some(stored), at(-3_600_000), at(1_500), None);
    assert!(matches!(answer, Answer::Held(right, _) if right.low == at(1_000)));
}

#[test]
fn a_lease_that_goes_on_keeps_its_right() {
    let first = given(decide(&ask(1, 10), None, 0));
    let renewed = first.going_on(Duration::from_mins(10), at(30_000));
    assert!(renewed.until > at(600_000));
    // And no longer than that, however often it is renewed.
    let again = renewed.going_on(Duration::from_hours(24), at(500_000));
    assert!(again.until < at(606_000), "{again:?}");
    assert!(matches!(
        decide(&ask(2, 20), Some(renewed), SPAN),
        Answer::Held(..)
    ));
    assert_eq!(first.going_on(Duration::ZERO, at(0)).until, first.until);
}

#[test]
fn no_right_is_given_while_a_forgotten_one_may_be_out() {
    let asking = |millis| ask(1, 10).decide(None, at(millis), at(millis), Some(at(1_000)));
    assert_eq!(asking(2_000), Answer::Frozen(Duration::from_millis(64_115)));
    given(asking(1_000 + SPAN));
    // A clock that was set back far must not keep a subject dead for longer than any right lasts.
    given(asking(-3_600_000));
}

#[test]
fn subjects_say_what_they_are() {
    let uid = Uuid::from_u128(7);
    assert_eq!(Subject::version(uid).as_version(), Some(uid));
    let provider = Subject::provider("openai", "api.openai.com");
    assert_eq!(provider.as_str(), "provider/openai/api.openai.com");
    assert_eq!(provider.as_version(), None);
}
