//! Tests of `version.rs`.

use super::*;
use crate::domain::vitals::Word;

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
    live.state.lock().vitals.recovered_at(Some(at(0)));
    assert_eq!(live.told(&Health::Active, Some(at(0))), None);
}
