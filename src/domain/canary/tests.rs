//! Tests of `canary.rs` and `canary/seat.rs`.

use super::*;
use crate::domain::time::BootTime;

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
        unused: Vec::new(),
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
    let unused = Ask {
        unused: vec![Uuid::from_u128(9), Uuid::from_u128(10)],
        ..ask(1, 11)
    };
    assert_eq!(
        given(decide(&unused, Some(first), 1_000)).id,
        Uuid::from_u128(11)
    );
    // Nobody speaks for another replica.
    let foreign = Ask {
        boot_id: Uuid::from_u128(2),
        ..unused
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

fn wanted(seat: &mut Seat) -> Ask {
    assert_eq!(
        seat.take(LASTS, boot(0), at(1)),
        Seating::Wanted { is_first: true }
    );
    assert_eq!(
        seat.take(LASTS, boot(0), at(1)),
        Seating::Wanted { is_first: false }
    );
    seat.asking(Uuid::from_u128(1), Uuid::from_u128(10))
        .unwrap()
}

#[test]
fn a_right_in_hand_is_given_once() {
    let mut seat = Seat::default();
    let ask = wanted(&mut seat);
    assert_eq!(seat.given(&ask, boot(0)), Some(boot(5)));
    assert_eq!(seat.take(LASTS * 9, boot(4), at(1)), Seating::Given(LASTS));
    assert_eq!(seat.take(LASTS, boot(4), at(1)), Seating::Taken(boot(65)));
    assert_eq!(seat.returned(at(1)), Some(Uuid::from_u128(10)));
    assert_eq!(seat.returned(at(1)), None);
    assert_eq!(
        seat.take(LASTS, boot(5), at(1)),
        Seating::Wanted { is_first: true }
    );
}

#[test]
fn a_replica_that_was_paused_gives_nothing_late() {
    let mut seat = Seat::default();
    let ask = wanted(&mut seat);
    seat.given(&ask, boot(0));
    assert_eq!(
        seat.take(LASTS, boot(5), at(1)),
        Seating::Wanted { is_first: false }
    );
    assert_eq!(seat.lapse(ask.right), Some(ask.right));
    // Whether that has arrived or not: the next ask says that it was not used.
    let next = wanted_again(&mut seat, boot(5));
    assert_eq!(next.unused, [ask.right]);
}

fn wanted_again(seat: &mut Seat, now: BootTime) -> Ask {
    assert_eq!(
        seat.take(LASTS, now, at(1)),
        Seating::Wanted { is_first: true }
    );
    seat.asking(Uuid::from_u128(1), Uuid::from_u128(11))
        .unwrap()
}

#[test]
fn a_right_that_was_used_is_never_called_unused() {
    let mut seat = Seat::default();
    let ask = wanted(&mut seat);
    seat.given(&ask, boot(0));
    seat.take(LASTS, boot(1), at(1));
    assert_eq!(seat.lapse(ask.right), None);
    seat.settle();
    assert!(wanted_again(&mut seat, boot(2)).unused.is_empty());
}

#[test]
fn a_lease_that_was_not_given_leaves_its_right_in_hand() {
    let mut seat = Seat::default();
    let ask = wanted(&mut seat);
    seat.given(&ask, boot(0));
    seat.take(LASTS, boot(1), at(1));
    seat.recall(boot(1));
    assert_eq!(seat.take(LASTS, boot(2), at(1)), Seating::Given(LASTS));
    seat.recall(boot(2));
    assert_eq!(seat.take(LASTS, boot(4), at(1)), Seating::Given(LASTS));
    assert_eq!(seat.lapse(ask.right), None);
    // Too late for another.
    seat.recall(boot(6));
    assert!(wanted_again(&mut seat, boot(6)).unused.contains(&ask.right));
}

#[test]
fn a_single_lease_is_out_no_longer_than_a_single_lease_may() {
    let mut seat = Seat::default();
    let day = Duration::from_hours(24);
    seat.take(day, boot(0), at(1));
    let ask = seat.asking(Uuid::from_u128(1), Uuid::from_u128(10));
    let ask = ask.unwrap();
    assert_eq!(ask.lasts, SINGLE_LASTS_MAX);
    seat.given(&ask, boot(0));
    // Whoever is given it may want it for less than who asked first.
    assert_eq!(seat.take(LASTS, boot(1), at(1)), Seating::Given(LASTS));
    assert_eq!(seat.look(boot(64)), Seating::Taken(boot(65)));
    // Renewed in time, it is out for longer; renewing an older lease changes nothing.
    seat.prolong(at(0), boot(900));
    assert_eq!(seat.look(boot(64)), Seating::Taken(boot(65)));
    seat.prolong(at(1), boot(90));
    assert_eq!(seat.look(boot(64)), Seating::Taken(boot(90)));
}

#[test]
fn an_older_canary_that_comes_back_ends_no_newer_right() {
    let mut seat = Seat::default();
    let first = wanted(&mut seat);
    seat.given(&first, boot(0));
    seat.take(LASTS, boot(1), at(1));
    assert_eq!(seat.returned(at(1)), Some(first.right));
    let second = wanted_again(&mut seat, boot(2));
    seat.given(&second, boot(2));
    assert_eq!(seat.take(LASTS, boot(3), at(3_000)), Seating::Given(LASTS));
    assert_eq!(seat.returned(at(1)), None);
    assert_eq!(seat.look(boot(4)), Seating::Taken(boot(67)));
    assert_eq!(seat.returned(at(3_000)), Some(second.right));
}

#[test]
fn what_another_holds_is_asked_for_again_and_told_until_its_end() {
    let (mut seat, end) = (Seat::default(), Seating::Taken(boot(9)));
    wanted(&mut seat);
    seat.refused(boot(1), Some(boot(9)));
    assert_eq!(seat.take(LASTS, boot(0), at(1)), end);
    for asked in 1..5 {
        wanted_again(&mut seat, boot(asked));
        assert_eq!(seat.taken(boot(asked)), Some(boot(9)));
        // Nor is it forgotten where there is no answer, or seen by who only looks that it is worth asking again.
        seat.refused(boot(asked + 1), None);
        assert_eq!(seat.taken(boot(asked + 1)), Some(boot(9)));
    }
    assert_eq!(seat.taken(boot(9)), None);
}

#[test]
fn subjects_say_what_they_are() {
    let uid = Uuid::from_u128(7);
    assert_eq!(Subject::version(uid).as_version(), Some(uid));
    let provider = Subject::provider("openai", "api.openai.com");
    assert_eq!(provider.as_str(), "provider/openai/api.openai.com");
    assert_eq!(provider.as_version(), None);
}
