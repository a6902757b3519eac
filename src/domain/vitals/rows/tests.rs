//! Tests of `rows.rs`.

use super::*;
use crate::domain::vitals::{Admission, Event};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn said(by: u128) -> Word {
    Word {
        by: Uuid::from_u128(by),
        is_canary: false,
        is_doubted: false,
    }
}

/// While others succeed.
fn unexplained(word: Word) -> Event<'static> {
    Event::Unexplained {
        others_succeeded: Some(at(1_000_000)),
        word,
    }
}

fn fails(vitals: &mut Vitals, word: Word, seconds: i64) -> Option<Health> {
    vitals.on(
        unexplained(word),
        &HealthPolicy::default(),
        "418",
        at(seconds),
    )
}

/// Five failures of caller 1 by the second 0.
fn alleged() -> Vitals {
    let mut vitals = Vitals::default();
    (0..4).for_each(|_| assert_eq!(fails(&mut vitals, said(1), 0), None));
    assert!(fails(&mut vitals, said(1), 0).is_some());
    vitals
}

fn admission(vitals: &Vitals, by: u128, seconds: i64) -> Admission {
    let patience = Duration::from_secs(10);
    vitals.admission_of(Uuid::from_u128(by), patience, at(seconds))
}

fn cools_until(health: Option<Health>) -> Option<Timestamp> {
    match health {
        Some(Health::Cooling(cause)) => Some(cause.until),
        _ => None,
    }
}

#[test]
fn one_callers_row_is_a_quarantine_that_anothers_canary_ends() {
    let mut vitals = alleged();
    assert_eq!(admission(&vitals, 2, 59), Admission::Dead(at(60)));
    assert_eq!(admission(&vitals, 2, 60), Admission::Due);
    // Whoever said so lets others try first, and says no more by saying it again.
    assert_eq!(admission(&vitals, 1, 60), Admission::Dead(at(70)));
    (0..100).for_each(|_| assert_eq!(fails(&mut vitals, said(1), 61), None));
    let well = Event::Success { is_canary: true };
    let policy = HealthPolicy::default();
    assert_eq!(vitals.on(well, &policy, "", at(62)), Some(Health::Active));
}

#[test]
fn a_canary_that_fails_and_a_second_callers_row_make_it_a_cooldown() {
    let canary = |by| Word {
        is_canary: true,
        ..said(by)
    };
    for by in [1, 2] {
        let mut vitals = alleged();
        assert_eq!(fails(&mut vitals, canary(by), 74), None);
        let news = fails(&mut vitals, canary(by), 75);
        assert_eq!(cools_until(news), Some(at(75 + 1_800)));
    }
    let doubted = Word {
        is_doubted: true,
        ..canary(1)
    };
    assert_eq!(fails(&mut alleged(), doubted, 75), None);
    let mut vitals = alleged();
    (0..4).for_each(|_| assert_eq!(fails(&mut vitals, said(2), 5), None));
    let news = fails(&mut vitals, said(2), 5);
    assert_eq!(cools_until(news), Some(at(5 + 1_800)));
}

#[test]
fn two_callers_in_one_row_cool_it_at_once_and_so_does_one_that_is_trusted() {
    let mut vitals = Vitals::default();
    (0..4).for_each(|_| drop(fails(&mut vitals, said(1), 0)));
    let news = fails(&mut vitals, said(2), 0);
    assert_eq!(cools_until(news), Some(at(1_800)));
    let trust = HealthPolicy {
        verdicts: VerdictPolicy::Trust,
        failure_threshold: Some(1),
        ..HealthPolicy::default()
    };
    let mut vitals = Vitals::default();
    assert_eq!(vitals.on(unexplained(said(1)), &trust, "418", at(0)), None);
    let news = vitals.on(unexplained(said(1)), &trust, "418", at(0));
    assert_eq!(cools_until(news), Some(at(1_800)));
}

#[test]
fn a_doubted_callers_row_takes_a_version_from_itself_alone() {
    let doubted = |by| Word {
        is_doubted: true,
        ..said(by)
    };
    let mut vitals = Vitals::default();
    (0..5).for_each(|_| assert_eq!(fails(&mut vitals, doubted(1), 0), None));
    assert_eq!(admission(&vitals, 1, 59), Admission::Dead(at(60)));
    assert_eq!(admission(&vitals, 2, 0), Admission::Normal);
    (0..4).for_each(|_| assert_eq!(fails(&mut vitals, doubted(2), 1), None));
    let news = fails(&mut vitals, doubted(2), 1);
    assert_eq!(cools_until(news), Some(at(1_801)));
}

#[test]
fn a_row_and_a_rejection_do_not_confirm_each_other() {
    let policy = HealthPolicy::default();
    let mut vitals = alleged();
    let news = vitals.on(Event::Rejected(said(2)), &policy, "401", at(5));
    assert!(matches!(news, Some(Health::Dead(cause))
        if cause.accuser == Some(Uuid::from_u128(2)) && cause.until == at(65)));
    // Nor the other way round.
    (0..5).for_each(|_| assert_eq!(fails(&mut vitals, said(1), 6), None));
    assert_eq!(admission(&vitals, 3, 64), Admission::Dead(at(65)));
}
