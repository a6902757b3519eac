//! Tests of `keys.rs`.

use super::{table as table_within, *};
use crate::proto::{Cooldown, Disablement, DistrustState, Health};

const NOW: Timestamp = Timestamp {
    seconds: 1_000_000,
    nanos: 0,
};

fn later(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: NOW.seconds + seconds,
        nanos: 0,
    })
}

fn version(state: HealthState, until: Option<Timestamp>, why: &str) -> VersionStatus {
    VersionStatus {
        version: "accounts/openai/keys/main/versions/2".into(),
        stage: VersionStage::Current as i32,
        health: Some(Health {
            state: state as i32,
            until,
            why: why.into(),
            failure_class: 0,
            unconfirmed: false,
        }),
        consecutive_failures: 0,
        distrust: None,
    }
}

fn table(keys: &[KeyStatus], now: &Timestamp) -> String {
    table_within(keys, now, 80)
}

fn key(versions: Vec<VersionStatus>) -> KeyStatus {
    KeyStatus {
        key: "accounts/openai/keys/main".into(),
        tier: 1,
        versions,
        next_rotation_time: later(3_600),
        ..KeyStatus::default()
    }
}

#[test]
fn a_dead_key_says_for_how_long_and_why() {
    let dead = version(HealthState::Dead, later(86_399), "401 invalid_api_key");
    let keys = [
        key(vec![dead]),
        key(vec![version(HealthState::Active, None, "")]),
    ];
    let told = remarks(&keys, &NOW, 80).unwrap();
    assert_eq!(
        told,
        "openai/main: dead for 23 h 59 m (401 invalid_api_key)"
    );
    let text = table(&keys, &NOW);
    assert!(text.contains("openai/main  1     dead"), "{text}");
    assert!(text.contains("2 current"), "{text}");
    assert!(text.contains("in 1 h"), "{text}");
    assert_eq!(remarks(&keys[1..], &NOW, 80), None);
}

#[test]
fn a_person_comes_before_health_and_health_before_the_account() {
    let mut key = key(vec![version(HealthState::Active, None, "")]);
    key.account_cooldown = Some(Cooldown {
        until: later(12),
        why: "429".into(),
        ..Cooldown::default()
    });
    let state = |key: &KeyStatus| key_state(key, key.versions.first(), &NOW).why.unwrap();
    assert_eq!(state(&key), "account cooling for 12 s (429)");
    key.versions = vec![version(HealthState::Cooling, later(60), "5 failures")];
    assert_eq!(state(&key), "cooling for 1 m (5 failures)");
    key.disablement = Some(Disablement {
        reason: "leaked".into(),
        ..Disablement::default()
    });
    assert_eq!(state(&key), "disabled (leaked)");
}

#[test]
fn one_callers_word_is_death_that_nobody_has_confirmed() {
    let mut accused = version(HealthState::Dead, later(42), "callers/search says 401");
    let health = accused.health.as_mut().unwrap();
    health.unconfirmed = true;
    let keys = [key(vec![accused])];
    let told = remarks(&keys, &NOW, 80).unwrap();
    assert_eq!(
        told,
        "openai/main: dead for 42 s, unconfirmed (callers/search says 401)"
    );
    assert!(table(&keys, &NOW).contains("dead"));
}

#[test]
fn what_is_not_believed_comes_before_all_it_says_of_itself() {
    let distrust = |state: DistrustState| {
        Some(Distrust {
            state: state as i32,
            why: "look".into(),
        })
    };
    let mut key = key(vec![version(HealthState::Active, None, "")]);
    key.versions[0].distrust = distrust(DistrustState::Undecryptable);
    let state = |key: &KeyStatus| key_state(key, key.versions.first(), &NOW).why.unwrap();
    assert_eq!(state(&key), "UNDECRYPTABLE: look");
    assert!(!table(&[key.clone()], &NOW).contains("active"));
    key.disablement = Some(Disablement::default());
    key.distrust = distrust(DistrustState::Tampered);
    assert_eq!(state(&key), "TAMPERED: look");
}

#[test]
fn a_key_without_a_version_and_one_overdue_stand_out() {
    let mut bare = key(vec![]);
    bare.rotation_overdue = true;
    bare.next_rotation_time = later(-7_200);
    let told = remarks(&[bare.clone()], &NOW, 80).unwrap();
    assert_eq!(told, "openai/main: no secret: rotate one in");
    let text = table(&[bare], &NOW);
    assert!(text.contains("no secret"), "{text}");
    assert!(text.contains("OVERDUE 2 h ago"), "{text}");
}

#[test]
fn ordinary_keys_are_shown_whole_in_eighty_columns() {
    let mut busy = key(vec![version(HealthState::Active, None, "")]);
    busy.key = "accounts/anthropic/keys/backup-1".into();
    busy.leases = 123_456;
    busy.last_use_time = later(-59);
    busy.next_rotation_time = later(6 * 86_400);
    let text = table(&[busy], &NOW);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(!text.contains('…'), "{text}");
}

#[test]
fn the_current_version_comes_first_and_others_follow_on_their_own_lines() {
    let mut old = version(HealthState::Active, None, "");
    old.stage = VersionStage::Previous as i32;
    old.version = "accounts/openai/keys/main/versions/1".into();
    let text = table(
        &[key(vec![old, version(HealthState::Active, None, "")])],
        &NOW,
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].contains("2 current"), "{text}");
    assert!(lines[2].contains("1 previous"), "{text}");
}
