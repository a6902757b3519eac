//! Pools as tables.

use super::rules;
use crate::cli::view::{disablement, distrust, paragraph, rotation_interval, state};
use crate::cli::{output, table, words};
use crate::proto::{Estimate, HealthPolicy, Pool, PoolMember, VerdictPolicy};

/// One pool.
pub(super) fn one(pool: &Pool) -> String {
    let members: Vec<String> = pool.members.iter().map(member).collect();
    output::details(&[
        ("name", pool.name.clone()),
        ("members", members.join("\n")),
        ("strategy", strategy(pool)),
        ("health", health(pool.health_policy.as_ref())),
        ("estimate per use", estimate(pool.default_estimate.as_ref())),
        (
            "rotation interval",
            rotation_interval(pool.rotation_policy.as_ref()),
        ),
        (
            "lease duration",
            words::proto_duration(pool.lease_duration.as_ref()),
        ),
        (
            "failure rules",
            paragraph(&rules::names(&pool.failure_rules)),
        ),
        (
            "journal",
            words::enum_value(pool.journal().as_str_name(), "JOURNAL_MODE"),
        ),
        ("state", paragraph(&disablement(pool.disablement.as_ref()))),
        ("not believed", distrust(pool.distrust.as_ref())),
        ("labels", words::pairs(&pool.labels)),
        ("created", words::time(pool.create_time.as_ref())),
        ("updated", words::time(pool.update_time.as_ref())),
        ("uid", pool.uid.clone()),
        ("etag", pool.etag.clone()),
    ])
}

/// Several pools.
pub(super) fn list(pools: &[Pool]) -> String {
    let rows = pools.iter().map(|pool| {
        vec![
            pool.name.clone(),
            pool.members.len().to_string(),
            strategy(pool),
            state(pool.distrust.as_ref(), pool.disablement.as_ref()),
            words::pairs(&pool.labels),
        ]
    });
    table::list(
        &["NAME", "MEMBERS", "STRATEGY", "STATE", "LABELS"],
        rows,
        "no pools",
    )
}

fn strategy(pool: &Pool) -> String {
    words::enum_value(pool.strategy().as_str_name(), "SELECTION_STRATEGY")
}

fn member(member: &PoolMember) -> String {
    format!(
        "{} (tier {}, weight {})",
        member.target, member.tier, member.weight
    )
}

fn health(policy: Option<&HealthPolicy>) -> String {
    let Some(policy) = policy else {
        return String::new();
    };
    let probes = if policy.probe_enabled {
        let interval = words::proto_duration(policy.probe_interval.as_ref());
        format!("\nprobed every {interval}, and at once where suspected")
    } else {
        String::new()
    };
    let wanted = match policy.healthy_keys_min {
        0 => String::new(),
        min => format!("\nalert below {min} healthy keys"),
    };
    let word = match policy.verdicts() {
        VerdictPolicy::Trust => "one caller's word is death".to_owned(),
        VerdictPolicy::Confirm | VerdictPolicy::Unspecified => format!(
            "one caller's word is a quarantine of {}",
            words::proto_duration(policy.quarantine.as_ref())
        ),
    };
    let ramp = words::proto_duration(policy.recovery_ramp.as_ref());
    format!(
        "dead for {}, unhealthy for {} after {} failures in a row\n{word}, recovery over {ramp}{probes}{wanted}",
        words::proto_duration(policy.dead_ttl.as_ref()),
        words::proto_duration(policy.unhealthy_ttl.as_ref()),
        policy.failure_threshold,
    )
}

fn estimate(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else {
        return String::new();
    };
    format!(
        "{} input and at most {} output tokens, {} cost micros",
        words::number(estimate.input_tokens),
        words::number(estimate.output_tokens_max),
        words::number(estimate.cost_micros),
    )
}
