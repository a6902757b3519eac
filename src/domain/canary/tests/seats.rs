//! Tests of `canary/seat.rs`.

use super::*;

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
    // Who asks next may be heard before its end is, so it says the same.
    assert_eq!(wanted_again(&mut seat, boot(5)).ended, [ask.right]);
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
    assert_eq!(next.ended, [ask.right]);
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
fn a_right_whose_lease_is_out_is_never_called_ended() {
    let mut seat = Seat::default();
    let ask = wanted(&mut seat);
    seat.given(&ask, boot(0));
    seat.take(LASTS, boot(1), at(1));
    assert_eq!(seat.lapse(ask.right), None);
    seat.settle();
    assert!(wanted_again(&mut seat, boot(2)).ended.is_empty());
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
    assert!(wanted_again(&mut seat, boot(6)).ended.contains(&ask.right));
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
