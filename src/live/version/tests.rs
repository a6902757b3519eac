//! Tests of `version.rs`.

use super::*;
use crate::domain::health::FailureClass;
use crate::domain::vitals::{Admission, Word};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// Accused by caller 1 at 1, so quarantined until 61; that is committed.
fn accused() -> (VersionLive, Uuid) {
    let live = VersionLive::new(Uuid::nil(), &Health::Active, None);
    let caller = Uuid::from_u128(1);
    let word = Event::Rejected(Word {
        by: caller,
        is_canary: false,
        is_doubted: false,
    });
    let policy = HealthPolicy::default();
    live.on(word, &policy, "401", Who::Caller(caller), at(1));
    live.saved(&live.unsaved().unwrap());
    (live, caller)
}

#[test]
fn a_verdict_is_said_again_until_it_is_saved() {
    let live = VersionLive::new(Uuid::nil(), &Health::Active, None);
    let policy = HealthPolicy::default();
    let rejected = Event::Probed { is_well: false };
    live.on(rejected, &policy, "401", Who::Probe, at(1));
    live.told(&Health::Active, None);
    assert!(matches!(live.health(at(3)), Health::Dead(_)));
    let unsaved = live.unsaved().unwrap();
    assert_eq!(unsaved.to, live.health(at(3)));
    live.saved(&unsaved);
    assert_eq!(live.unsaved(), None);
    live.told(&Health::Active, None);
    assert_eq!(live.health(at(3)), Health::Active);
}

#[test]
fn anothers_canary_refutes_a_word_and_the_accusers_own_does_not() {
    let policy = HealthPolicy::default();
    let success = Event::Success { is_canary: true };
    for by in [1, 2].map(Uuid::from_u128) {
        let (live, caller) = accused();
        let refuted = live.on(success, &policy, "", Who::Canary(by), at(90));
        assert_eq!(live.health(at(90)), Health::Active);
        let accuser = refuted.map(|refuted| refuted.accuser);
        assert_eq!(accuser, (by != caller).then_some(caller));
    }
}

#[test]
fn a_canary_that_finds_the_budget_of_its_key_spent_is_the_last_until_that_is_back() {
    let spent = Failing {
        class: FailureClass::Quota,
        stated: None,
        why: "402",
    };
    let weight = |given| Weight::Alleged {
        by: Uuid::from_u128(2),
        given: at(given),
        quarantine: Duration::from_mins(1),
    };
    // In force before the key died, or heard of by its canary first: then another canary has to find the same.
    for began in [0, 90] {
        let live = VersionLive::new(Uuid::nil(), &Health::Active, None);
        let (accuser, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let policy = HealthPolicy::default();
        live.blame("", spent, weight(-1), Who::Caller(other), at(began));
        let word = Event::Rejected(Word {
            by: accuser,
            is_canary: false,
            is_doubted: false,
        });
        live.on(word, &policy, "401", Who::Caller(accuser), at(1));
        live.blame("", spent, weight(61), Who::Canary(other), at(90));
        let told = live.unsaved().unwrap();
        assert_eq!(told.to.as_str(), "cooling");
        let admission = |now| {
            let known = |state: &mut State| state.vitals.admission(now);
            live.ailing.known(known).unwrap()
        };
        let dead_until = |now| {
            let Admission::Dead(until) = admission(now) else {
                panic!("{:?}", admission(now))
            };
            until
        };
        if began == 90 {
            assert_eq!(dead_until(at(91)), at(150));
            live.blame("", spent, weight(150), Who::Canary(other), at(151));
        }
        let until = dead_until(at(152));
        assert!(until >= at(3_600), "{until:?}");
        assert_eq!(admission(until), Admission::Due);
    }
}

#[test]
fn what_the_fleet_says_refutes_a_word_where_a_canary_found_it_out() {
    let (live, caller) = accused();
    let refuted = live.told(&Health::Active, Some(at(64))).unwrap();
    assert_eq!(
        (refuted.accuser, refuted.after),
        (caller, Some(Duration::from_secs(3)))
    );
    assert_eq!(live.told(&Health::Active, Some(at(64))), None);
    // A person clears it.
    let (live, _) = accused();
    assert_eq!(live.told(&Health::Active, None), None);
    // It had been well again before it was accused.
    let (live, _) = accused();
    live.ailing
        .befallen(|state| state.vitals.recovered_at(Some(at(0))));
    assert_eq!(live.told(&Health::Active, Some(at(0))), None);
}

#[test]
fn what_a_lease_met_that_was_given_before_the_version_was_well_again_comes_late() {
    let rejected = |is_canary| {
        Event::Rejected(Word {
            by: Uuid::from_u128(1),
            is_canary,
            is_doubted: false,
        })
    };
    let policy = HealthPolicy::default();
    let who = Who::Canary(Uuid::from_u128(2));
    let (live, _) = accused();
    assert!(!live.is_well_since(at(0)));
    live.on(Event::Success { is_canary: true }, &policy, "", who, at(90));
    assert!(live.is_well_since(at(89)) && !live.is_well_since(at(90)));
    // A person's word, by the time it is read; of a cooldown it says nothing.
    let (live, _) = accused();
    live.told_at(&Health::Active, None, at(200));
    assert!(live.is_well_since(at(199)) && !live.is_well_since(at(200)));
    let live = VersionLive::new(Uuid::nil(), &Health::Active, None);
    live.told_at(&Health::Active, None, at(300));
    assert!(!live.is_well_since(at(1)));
    live.on(rejected(false), &policy, "401", who, at(301));
    assert!(matches!(live.health(at(301)), Health::Dead(_)));
}
