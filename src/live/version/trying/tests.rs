//! Tests of `trying.rs`.

use super::*;
use crate::domain::cooling::{Failing, Weight};
use crate::domain::health::FailureClass;
use crate::domain::vitals::Admission;
use crate::live::canaries::Canaries;
use crate::live::choose::Now;

const SPENT: Failing<'_> = Failing {
    class: FailureClass::Quota,
    stated: Some(Duration::from_hours(744)),
    why: "402",
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn applicant(number: u128) -> Applicant {
    Applicant {
        caller: Uuid::from_u128(number),
        patience: Duration::from_secs(10),
    }
}

/// A version of which this caller says at 0, of a lease given before, that it is spent for a month: so much is committed.
fn accused(by: u128, model: &str) -> VersionLive {
    let live = VersionLive::new(Uuid::nil(), &Health::Active, None);
    says(&live, by, model, (-1, 0));
    if let Some(news) = live.unsaved() {
        live.saved(&news);
    }
    live
}

fn says(live: &VersionLive, by: u128, model: &str, (given, now): (i64, i64)) {
    let by = Uuid::from_u128(by);
    let weight = Weight::Alleged {
        by,
        given: at(given),
        quarantine: Duration::from_mins(1),
    };
    live.blame(model, SPENT, weight, Who::Caller(by), at(now));
}

fn is_admitted(live: &VersionLive, by: u128, seconds: u64) -> bool {
    let now = Now {
        boot: crate::domain::time::BootTime::from_nanos(seconds * 1_000_000_000),
        database: at(i64::try_from(seconds).unwrap()),
    };
    let lasts = Duration::from_secs(30);
    let admission = live.admit(applicant(by), &Canaries::default(), lasts, now);
    admission == Admission::Normal
}

#[test]
fn one_word_against_a_key_is_tried_by_one_lease_of_another_caller() {
    let live = accused(1, "");
    assert!(!is_admitted(&live, 2, 59) && is_admitted(&live, 2, 60));
    // Whoever said so lets others try first.
    assert!(!is_admitted(&live, 1, 69) && is_admitted(&live, 1, 70));
    assert_eq!(live.try_out(None, applicant(2), at(60)), Ok(true));
    assert!(!is_admitted(&live, 3, 61));
    assert!(live.try_out(None, applicant(3), at(61)).is_err());
    live.recall(None, at(61));
    assert_eq!(live.try_out(None, applicant(3), at(61)), Ok(true));
}

#[test]
fn a_success_of_the_trial_refutes_it_and_its_failure_proves_it() {
    let (other, who) = (Uuid::from_u128(2), 2);
    let live = accused(1, "");
    // What was sent before says nothing.
    assert_eq!(live.refute("", (other, at(59)), at(61)), None);
    let refuted = live.refute("", (other, at(60)), at(61)).unwrap();
    assert_eq!(refuted.accuser, Uuid::from_u128(1));
    assert_eq!(refuted.matter, Matter::Budget);
    assert_eq!(live.health(at(61)), Health::Active);
    // It was not dead: a 401 of a lease from before may be true, and nothing has to grow.
    assert!(!live.is_well_since(at(59)));
    assert_eq!(live.grown_percent(Duration::from_hours(1), at(61)), None);
    let news = live.unsaved().unwrap();
    let held = Health::Cooling(Cause {
        until: at(9_999),
        why: String::new(),
        class: FailureClass::Quota,
        accuser: Some(Uuid::from_u128(1)),
        tried: Some(at(60)),
        strikes: 0,
    });
    assert_eq!(news.onto(&held, at(62)), Some(Health::Active));
    let live = accused(1, "");
    says(&live, who, "", (60, 61));
    let month = at(61).after(Duration::from_hours(744));
    let known = live.health(at(62));
    let cause = known.cause().unwrap();
    assert_eq!((cause.until, cause.accuser), (month, None));
    assert!(!is_admitted(&live, 2, 1_000_000));
}

#[test]
fn what_the_fleet_says_of_it_is_tried_and_seconded_as_what_was_heard_here() {
    let told = accused(1, "").health(at(1));
    let live = VersionLive::new(Uuid::nil(), &told, None);
    assert!(!is_admitted(&live, 2, 59) && is_admitted(&live, 2, 60));
    says(&live, 2, "", (-1, 5));
    let known = live.health(at(6));
    assert_eq!(known.cause().unwrap().accuser, None);
    // A canary, or a trial, elsewhere finds out whose word was wrong.
    let live = VersionLive::new(Uuid::nil(), &told, None);
    let refuted = live.told(&Health::Active, Some(at(63))).unwrap();
    assert_eq!(refuted.matter, Matter::Budget);
    assert_eq!(refuted.after, Some(Duration::from_secs(3)));
}

#[test]
fn what_a_lease_elsewhere_finds_out_tells_whose_word_was_wrong() {
    let told = accused(1, "").health(at(1));
    let live = VersionLive::new(Uuid::nil(), &told, None);
    let refuted = live.refuted_elsewhere(at(63)).unwrap();
    let known = (refuted.accuser, refuted.matter, refuted.after);
    let after = Some(Duration::from_secs(3));
    assert_eq!(known, (Uuid::from_u128(1), Matter::Budget, after));
    live.told(&Health::Active, None);
    assert_eq!(live.refuted_elsewhere(at(63)), None);
    // Where a second caller has said so here, the fleet will hear of that first.
    let live = accused(1, "");
    says(&live, 2, "", (-1, 5));
    assert_eq!(live.refuted_elsewhere(at(63)), None);
}

#[test]
fn a_model_of_a_key_is_tried_alone() {
    let live = accused(1, "m");
    assert!(live.bars(Some("m"), applicant(2), at(59)).is_some());
    assert_eq!(live.bars(Some("n"), applicant(2), at(59)), None);
    assert_eq!(live.try_out(Some("n"), applicant(2), at(60)), Ok(false));
    assert_eq!(live.try_out(Some("m"), applicant(2), at(60)), Ok(true));
    assert!(live.bars(Some("m"), applicant(3), at(61)).is_some());
    let refuted = live.refute("m", (Uuid::from_u128(2), at(60)), at(61));
    assert_eq!(refuted.unwrap().accuser, Uuid::from_u128(1));
    assert_eq!(live.bars(Some("m"), applicant(3), at(61)), None);
    let (model, over) = live.unsaved_models().remove(0);
    assert!(model == "m" && over.is_refuted());
}
