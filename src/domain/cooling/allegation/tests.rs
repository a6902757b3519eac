//! Tests of `allegation.rs`.

use super::*;
use crate::domain::cooling::Failing;

const DAYS: u64 = 24 * 3_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn caller(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A quota that `by` says is spent for so long, of a lease that was given then.
fn spent(cooling: &mut Cooling, by: u128, stated: u64, given: i64, now: i64) -> Option<Cause> {
    let failing = Failing {
        class: FailureClass::Quota,
        stated: Some(Duration::from_secs(stated)),
        why: "429",
    };
    let weight = Weight::Alleged {
        by: caller(by),
        given: at(given),
        quarantine: Duration::from_secs(60),
    };
    cooling.blame_by(weight, failing, 0.0, at(now))
}

fn bars(cooling: &Cooling, by: u128, now: i64) -> bool {
    let patience = Duration::from_secs(10);
    cooling.bars(caller(by), patience, at(now)).is_some()
}

#[test]
fn one_word_is_believed_at_once_and_tried_by_another_caller_after_a_minute() {
    let mut cooling = Cooling::default();
    let told = spent(&mut cooling, 1, 31 * DAYS, -1, 0).unwrap();
    assert_eq!(told.until, at(31 * 24 * 3_600));
    assert_eq!((told.accuser, told.tried), (Some(caller(1)), Some(at(60))));
    assert!(bars(&cooling, 2, 59) && !bars(&cooling, 2, 60));
    // Whoever said so lets others try first.
    assert!(bars(&cooling, 1, 69) && !bars(&cooling, 1, 70));
    // One at a time.
    cooling.is_tried(at(60));
    assert!(bars(&cooling, 2, 61));
    assert!(!bars(&cooling, 2, 60 + 121));
}

#[test]
fn who_repeats_its_word_says_no_more_by_it() {
    let mut cooling = Cooling::default();
    spent(&mut cooling, 1, 31 * DAYS, -1, 0);
    for now in 1..60 {
        assert_eq!(spent(&mut cooling, 1, 5 * DAYS, -1, now), None);
    }
    let longer = spent(&mut cooling, 1, 31 * DAYS, -1, 50).unwrap();
    assert_eq!(longer.tried, Some(at(60)));
    assert!(!bars(&cooling, 2, 60));
}

#[test]
fn a_second_caller_makes_it_true_as_far_as_both_say_it() {
    let mut cooling = Cooling::default();
    spent(&mut cooling, 1, 31 * DAYS, -1, 0);
    let told = spent(&mut cooling, 2, 2 * DAYS, -1, 5).unwrap();
    assert_eq!(told.until, at(31 * 24 * 3_600));
    assert_eq!(told.tried, Some(at(5 + 2 * 24 * 3_600)));
    let told = spent(&mut cooling, 3, 31 * DAYS, -1, 6).unwrap();
    assert_eq!((told.accuser, told.tried), (None, None));
    assert!(bars(&cooling, 4, 30 * 24 * 3_600));
}

#[test]
fn a_trial_that_fails_makes_it_true_whose_ever_it_is_and_one_that_succeeds_ends_it() {
    let mut cooling = Cooling::default();
    spent(&mut cooling, 1, 31 * DAYS, -1, 0);
    let mut refuted = cooling.clone();
    let told = spent(&mut cooling, 1, 31 * DAYS, 70, 71).unwrap();
    assert_eq!(told.accuser, None);
    // What was sent before says nothing.
    assert_eq!(
        refuted.refute([Some(caller(2)), None], at(59), at(80)),
        None
    );
    let mut own = refuted.clone();
    let ended = refuted
        .refute([Some(caller(2)), None], at(60), at(80))
        .unwrap();
    assert_eq!(ended.wrong(), Some(caller(1)));
    let ended = own.refute([Some(caller(1)), None], at(70), at(80)).unwrap();
    assert!(ended.is_refuted() && ended.wrong().is_none());
    assert!(!bars(&refuted, 2, 80));
}

/// What is read of the database may be older than what was found here meanwhile.
#[test]
fn what_was_found_not_to_be_so_is_believed_no_more_of_whoever_has_read_it_before() {
    let mut cooling = Cooling::default();
    let said = spent(&mut cooling, 1, 31 * DAYS, -1, 0).unwrap();
    cooling.refute([None, None], at(60), at(61)).unwrap();
    cooling.told(said.clone());
    assert!(!bars(&cooling, 2, 61));
    // What is more than a word by now is, and so is a later word.
    let mut proven = cooling.clone();
    proven.told(Cause {
        accuser: None,
        ..said
    });
    assert!(bars(&proven, 2, 61));
    let again = spent(&mut cooling, 1, 31 * DAYS, 65, 66).unwrap();
    cooling.told(again);
    assert!(bars(&cooling, 2, 67));
}

#[test]
fn what_was_inferred_is_tried_by_whoever_asks_and_nobody_was_wrong() {
    let failing = Failing {
        class: FailureClass::Quota,
        stated: Some(Duration::from_secs(31 * DAYS)),
        why: "headers",
    };
    let weight = Weight::Alleged {
        by: caller(1),
        given: at(-1),
        quarantine: Duration::from_secs(60),
    };
    let mut cooling = Cooling::default();
    cooling.blame_by(weight.inferred(), failing, 0.0, at(0));
    for by in [1, 2] {
        assert!(bars(&cooling, by, 59) && !bars(&cooling, by, 60));
    }
    let over = cooling.refute([Some(caller(2)), None], at(60), at(61));
    assert_eq!(over.unwrap().wrong(), None);
    assert_eq!(Weight::Proven.inferred(), Weight::Proven);
}

#[test]
fn a_rate_limit_of_minutes_is_obeyed_on_one_word() {
    let mut cooling = Cooling::default();
    let failing = Failing {
        class: FailureClass::RateLimit,
        stated: Some(Duration::from_secs(300)),
        why: "429",
    };
    let weight = Weight::Alleged {
        by: caller(1),
        given: at(0),
        quarantine: Duration::from_secs(1),
    };
    let told = cooling.blame_by(weight, failing, 0.0, at(1)).unwrap();
    assert_eq!((told.accuser, told.until), (None, at(301)));
    assert!(bars(&cooling, 2, 300) && !bars(&cooling, 2, 301));
}

/// A rate limit that `by` says lasts for so long.
fn limited(cooling: &mut Cooling, by: u128, stated: u64, now: i64) -> Option<Cause> {
    let failing = Failing {
        class: FailureClass::RateLimit,
        stated: Some(Duration::from_secs(stated)),
        why: "429",
    };
    let weight = Weight::Alleged {
        by: caller(by),
        given: at(-1),
        quarantine: Duration::from_secs(60),
    };
    cooling.blame_by(weight, failing, 0.0, at(now))
}

#[test]
fn rate_limits_that_one_caller_prolongs_are_tried_after_five_minutes() {
    for step in [20, 59, 250] {
        let mut cooling = Cooling::default();
        assert_eq!(limited(&mut cooling, 1, 300, 0).unwrap().accuser, None);
        let told = limited(&mut cooling, 1, 300, step).unwrap();
        assert_eq!((told.accuser, told.tried), (Some(caller(1)), Some(at(300))));
        (1..300).for_each(|now| drop(limited(&mut cooling, 1, 300, now)));
        assert!(bars(&cooling, 2, 299) && !bars(&cooling, 2, 300));
        assert!(bars(&cooling, 1, 309) && !bars(&cooling, 1, 310));
    }
    // Nor does it begin anew when it is over.
    let mut cooling = Cooling::default();
    limited(&mut cooling, 1, 300, 0);
    let told = limited(&mut cooling, 1, 300, 301).unwrap();
    assert_eq!((told.accuser, told.tried), (Some(caller(1)), Some(at(301))));
}

#[test]
fn what_another_says_or_a_success_after_it_is_no_prolonging() {
    let mut cooling = Cooling::default();
    limited(&mut cooling, 1, 300, 0);
    let told = limited(&mut cooling, 2, 300, 200).unwrap();
    assert_eq!((told.accuser, told.until), (None, at(500)));
    let mut cooling = Cooling::default();
    limited(&mut cooling, 1, 60, 0);
    cooling.succeed(at(30));
    assert!(limited(&mut cooling, 1, 290, 31).unwrap().accuser.is_some());
    let mut cooling = Cooling::default();
    for minute in 0..60 {
        let now = minute * 61;
        let told = limited(&mut cooling, 1, 60, now).unwrap();
        assert_eq!(told.accuser, None, "its budget is back each minute");
        cooling.succeed(at(now + 60));
    }
}

#[test]
fn replicas_that_hear_of_two_callers_make_one_truth_of_it() {
    let cause = |by, until, tried| Cause {
        until: at(until),
        why: "429".to_owned(),
        class: FailureClass::Quota,
        accuser: Some(caller(by)),
        tried: Some(at(tried)),
        strikes: 0,
    };
    let one = cause(1, 100_000, 60);
    let both = one.clone().joined(&cause(2, 100_030, 90));
    assert_eq!((both.accuser, both.until), (None, at(100_030)));
    let same = one.clone().joined(&cause(1, 100_030, 90));
    assert_eq!((same.accuser, same.tried), (Some(caller(1)), Some(at(90))));
    assert_eq!(both.clone().joined(&one), both);
}
