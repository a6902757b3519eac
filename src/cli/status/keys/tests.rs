//! Tests of `keys.rs`.

use super::*;
use crate::proto::{Cooldown, Disablement, Health};

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
        }),
        consecutive_failures: 0,
    }
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
    let text = table(&[key(vec![dead])], &NOW);
    assert!(
        text.contains("dead for 23 h 59 m (401 invalid_api_key)"),
        "{text}"
    );
    assert!(text.contains("openai/main"), "{text}");
    assert!(text.contains("current v2"), "{text}");
    assert!(text.contains("in 1 h"), "{text}");
}

#[test]
fn a_person_comes_before_health_and_health_before_the_account() {
    let mut key = key(vec![version(HealthState::Active, None, "")]);
    key.account_cooldown = Some(Cooldown {
        until: later(12),
        why: "429".into(),
        ..Cooldown::default()
    });
    let state = |key: &KeyStatus| key_state(key, key.versions.first(), &NOW).0;
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
fn a_key_without_a_version_and_one_overdue_stand_out() {
    let mut bare = key(vec![]);
    bare.rotation_overdue = true;
    bare.next_rotation_time = later(-7_200);
    let text = table(&[bare], &NOW);
    assert!(text.contains("no secret: rotate one in"), "{text}");
    assert!(text.contains("OVERDUE by 2 h"), "{text}");
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
    assert!(lines[1].contains("current v2"), "{text}");
    assert!(lines[2].contains("previous v1"), "{text}");
}
