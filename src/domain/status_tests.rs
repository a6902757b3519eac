//! When a version stands where.

use super::super::health::{Cause, FailureClass};
use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_000);

fn cause(until: i64) -> Cause {
    Cause {
        until: Timestamp::from_micros(until),
        why: String::new(),
        class: FailureClass::Unknown,
        accuser: None,
        tried: None,
        strikes: 0,
    }
}

fn key(health: Health) -> KeyStatus {
    KeyStatus {
        name: KeyName::parse("name", "accounts/a/keys/k").unwrap(),
        tier: 1,
        weight: 1,
        versions: vec![VersionStatus {
            number: 1,
            stage: Stage::Current,
            health,
            consecutive_failures: 0,
            distrust: None,
        }],
        disablement: None,
        account_cooldown: None,
        next_rotation: None,
        rotation_overdue: false,
        breaker: None,
        usage: KeyUsage::default(),
        distrust: None,
    }
}

fn cooldown(until: i64) -> Option<Cooldown> {
    Some(Cooldown {
        account_uid: Uuid::nil(),
        model: String::new(),
        cause: cause(until),
    })
}

fn word(until: Option<i64>) -> Option<Disablement> {
    Some(Disablement {
        why: String::new(),
        since: NOW,
        until: until.map(Timestamp::from_micros),
        by: String::new(),
    })
}

#[test]
fn a_verdict_holds_until_its_end() {
    assert_eq!(key(Health::Active).standing(NOW), Standing::Serving);
    for (health, held) in [
        (Health::Cooling as fn(Cause) -> Health, Standing::Cooling),
        (Health::Dead, Standing::Dead),
    ] {
        assert_eq!(key(health(cause(1_001))).standing(NOW), held);
        assert_eq!(key(health(cause(1_000))).standing(NOW), Standing::Serving);
    }
}

#[test]
fn a_person_beats_death_and_death_beats_the_account() {
    let mut dead = key(Health::Dead(cause(2_000)));
    dead.account_cooldown = cooldown(2_000);
    assert_eq!(dead.standing(NOW), Standing::Dead);
    dead.disablement = word(Some(1_000));
    assert_eq!(dead.standing(NOW), Standing::Dead);
    dead.disablement = word(None);
    assert_eq!(dead.standing(NOW), Standing::Disabled);
}

#[test]
fn a_key_cools_with_its_account() {
    let mut key = key(Health::Active);
    key.account_cooldown = cooldown(1_001);
    assert_eq!(key.standing(NOW), Standing::Cooling);
    key.account_cooldown = cooldown(999);
    assert_eq!(key.standing(NOW), Standing::Serving);
}

#[test]
fn only_the_current_version_serves() {
    let mut key = key(Health::Active);
    key.versions[0].stage = Stage::Previous;
    assert_eq!(key.standing(NOW), Standing::Empty);
    key.versions.clear();
    assert_eq!(key.standing(NOW), Standing::Empty);
}

#[test]
fn what_is_not_believed_serves_nothing_whatever_it_says_of_itself() {
    let mut key = key(Health::Active);
    key.versions[0].distrust = Some(Distrust::undecryptable("the secret does not open"));
    assert_eq!(key.standing(NOW), Standing::Distrusted);
    // A person's word on a row that is believed is told first; one on a row that is not may be anybody's.
    key.disablement = word(None);
    assert_eq!(key.standing(NOW), Standing::Disabled);
    key.distrust = Some(Distrust::tampered("accounts/a"));
    assert_eq!(key.standing(NOW), Standing::Distrusted);
}
