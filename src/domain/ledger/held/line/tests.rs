//! Tests of `line.rs`.

use super::*;

const fn at(seconds: u64) -> BootTime {
    BootTime::from_nanos(seconds * 1_000_000_000)
}

const fn until(seconds: u64) -> Waiter {
    Waiter {
        ticket: None,
        until: at(seconds),
        is_patient: true,
        yields: false,
    }
}

const fn at_hand(units: u64) -> impl Fn(u64) -> bool + Copy {
    move |needed| needed <= units
}

#[test]
fn who_came_first_goes_first_as_long_as_it_can_be_met_in_time() {
    let mut line = Line::default();
    line.stand(1, 8_000, until(50));
    line.stand(2, 10, until(50));
    line.refused(8_000, at(30), at(0));
    assert!(line.holds_up(Some(2), at_hand(10)).is_some());
    assert!(line.holds_up(None, at_hand(10)).is_some());
    assert_eq!(line.holds_up(Some(1), at_hand(10)), None);
    assert_eq!(line.next(at_hand(10)), Some(1));
}

#[test]
fn who_cannot_be_met_in_time_holds_up_nobody() {
    let mut line = Line::default();
    line.stand(1, 1_000, until(20));
    assert!(line.holds_up(None, at_hand(10)).is_some());
    line.refused(1_000, at(80_000), at(0));
    line.stand(2, 10, until(20));
    assert_eq!(line.holds_up(Some(2), at_hand(10)), None);
    assert_eq!(line.next(at_hand(10)), Some(2));
    // Nor does the next of its kind, nor while others are granted less.
    line.granted(10);
    line.stand(3, 1_000, until(20));
    assert!(!line.is_due(Some(3), 1_000, at(20)));
    assert!(!line.is_due(None, 2_000, at(20)));
    line.leave(2);
    assert_eq!(line.holds_up(None, at_hand(10)), None);
}

#[test]
fn what_comes_back_goes_to_who_hoped_first() {
    let mut line = Line::default();
    for ticket in 1..4 {
        line.stand(ticket, 1, until(50));
    }
    line.refused(1, at(64), at(0));
    assert_eq!(line.next(at_hand(0)), Some(1));
    assert!(line.holds_up(None, at_hand(1)).is_some());
    assert!(line.holds_up(Some(2), at_hand(1)).is_some());
    assert_eq!(line.holds_up(Some(1), at_hand(1)), None);
    line.leave(1);
    assert_eq!(line.next(at_hand(1)), Some(2));
}

#[test]
fn who_waits_longer_elsewhere_holds_up_nobody_and_what_is_kept_is_kept_from_those_behind() {
    let mut line = Line::default();
    let elsewhere = Waiter {
        yields: true,
        ..until(50)
    };
    line.stand(1, 10, elsewhere);
    line.stand(2, 20, until(50));
    assert_eq!(line.first_due().map(|first| first.units), Some(20));
    assert_eq!(line.holds_up(Some(2), at_hand(5)), None);
    assert_eq!(line.next(at_hand(10)), Some(1));
    line.keep(1, 10, true);
    line.keep(2, 20, false);
    assert_eq!(line.kept_before(Some(2)).collect::<Vec<_>>(), [10]);
    assert_eq!(line.kept_before(None).sum::<u64>(), 30);
    line.keep_no_more_until_answer();
    assert_eq!((line.keeps(), line.kept_before(None).sum()), (1, 20));
    line.leave(2);
    assert_eq!(line.keeps(), 0);
}
