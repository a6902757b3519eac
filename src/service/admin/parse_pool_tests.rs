//! Pools on the wire, and every field that may be wrong.

use std::time::Duration;

use super::*;
use crate::vault::Refusal;

fn parse(pool: v1::Pool, wanted: impl Fn(&str) -> bool) -> Result<PoolDraft, Refusal> {
    let mut faults = Faults::default();
    let draft = draft(&mut faults, pool, wanted);
    faults.finish(Some(draft))
}

fn member(target: &str) -> v1::PoolMember {
    v1::PoolMember {
        target: target.to_owned(),
        tier: 0,
        weight: 0,
    }
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn fields(pool: v1::Pool) -> Vec<String> {
    match parse(pool, |_| true) {
        Err(Refusal::Fields(faults)) => faults.into_iter().map(|f| f.field).collect(),
        Err(Refusal::NotBuilt { field, .. }) => vec![format!("not built: {field}")],
        Err(other) => vec![other.to_string()],
        Ok(_) => vec![],
    }
}

#[test]
fn an_empty_pool_inherits_everything() {
    let draft = parse(v1::Pool::default(), |_| true).unwrap();
    assert_eq!(draft.members, Some(vec![]));
    assert_eq!(draft.strategy, Some(Strategy::RoundRobin));
    assert_eq!(draft.health_policy, Some(HealthPolicy::default()));
    assert_eq!(draft.default_estimate, Some(None));
    assert_eq!(draft.rotation_interval, Some(None));
    assert_eq!(draft.lease_duration, Some(None));
}

#[test]
fn only_the_wanted_fields_are_looked_at() {
    let pool = v1::Pool {
        strategy: 99,
        lease_duration: seconds(60),
        ..v1::Pool::default()
    };
    let draft = parse(pool, |field| field == "lease_duration").unwrap();
    let expected = PoolDraft {
        lease_duration: Some(Some(Duration::from_secs(60))),
        ..PoolDraft::default()
    };
    assert_eq!(draft, expected);
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let pool = v1::Pool {
        labels: [("Bad Key".to_owned(), String::new())].into(),
        members: vec![
            member("accounts/a"),
            member("nonsense"),
            member("accounts/a"),
        ],
        strategy: -1,
        health_policy: Some(v1::HealthPolicy {
            dead_ttl: seconds(0),
            unhealthy_ttl: seconds(60 * 60 * 24 * 32),
            failure_threshold: 1_001,
            probe_enabled: true,
            probe_interval: seconds(59),
            verdicts: 0,
            quarantine: seconds(3_601),
            recovery_ramp: seconds(86_401),
            healthy_keys_min: -1,
        }),
        default_estimate: Some(v1::Estimate {
            input_tokens: -1,
            output_tokens_max: 1_000_000_001,
            cost_micros: i64::MIN,
        }),
        rotation_policy: Some(v1::RotationPolicy {
            interval: seconds(3_599),
        }),
        lease_duration: seconds(86_401),
        ..v1::Pool::default()
    };
    assert_eq!(
        fields(pool),
        [
            "pool.labels",
            "pool.members[1].target",
            "pool.members[2].target",
            "pool.strategy",
            "pool.health_policy.dead_ttl",
            "pool.health_policy.unhealthy_ttl",
            "pool.health_policy.probe_interval",
            "pool.health_policy.quarantine",
            "pool.health_policy.recovery_ramp",
            "pool.health_policy.failure_threshold",
            "pool.health_policy.healthy_keys_min",
            "pool.default_estimate.input_tokens",
            "pool.default_estimate.output_tokens_max",
            "pool.default_estimate.cost_micros",
            "pool.rotation_policy.interval",
            "pool.lease_duration",
        ]
    );
}

#[test]
fn a_huge_member_list_is_refused_as_one_fault() {
    let pool = v1::Pool {
        members: vec![member("x"); 100_000],
        ..v1::Pool::default()
    };
    assert_eq!(fields(pool), ["pool.members"]);
}

#[test]
fn hostile_targets_are_refused() {
    let long = format!("accounts/{}", "a".repeat(64));
    for target in [
        "",
        "accounts/",
        "accounts/a/keys/",
        "accounts/a/keys/k/versions/1",
        "accounts/../keys/k",
        "pools/p",
        "accounts/a\0",
        "accounts/A",
        long.as_str(),
    ] {
        let pool = v1::Pool {
            members: vec![member(target)],
            ..v1::Pool::default()
        };
        assert_eq!(fields(pool), ["pool.members[0].target"], "{target:?}");
    }
}
