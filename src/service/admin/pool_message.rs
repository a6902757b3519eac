//! A pool, as the contract has it.

use crate::domain::journal::Journaling;
use crate::domain::key::ROTATION_INTERVAL_DEFAULT;
use crate::domain::name::{PoolName, TargetName};
use crate::domain::pool::{
    Estimate, HealthPolicy, LEASE_DURATION_DEFAULT, Member, Strategy, VerdictPolicy,
};
use crate::proto;
use crate::service::convert::{
    amount, disablement, distrust, duration, labels, rotation_policy, timestamp,
};
use crate::vault::PoolView;

/// With the names of its members and the values in force.
pub(super) fn of(view: PoolView) -> proto::Pool {
    let pool = view.pool;
    proto::Pool {
        name: PoolName(pool.id).to_string(),
        uid: pool.meta.uid.to_string(),
        etag: pool.meta.etag(),
        labels: labels(&pool.meta.labels),
        create_time: Some(timestamp(pool.meta.create_time)),
        update_time: Some(timestamp(pool.meta.update_time)),
        members: view.members.iter().map(member).collect(),
        strategy: strategy(pool.strategy).into(),
        health_policy: Some(health_policy(&pool.health_policy)),
        default_estimate: Some(estimate(pool.default_estimate.unwrap_or(Estimate::DEFAULT))),
        rotation_policy: Some(rotation_policy(
            pool.rotation_interval.unwrap_or(ROTATION_INTERVAL_DEFAULT),
        )),
        lease_duration: Some(duration(
            pool.lease_duration.unwrap_or(LEASE_DURATION_DEFAULT),
        )),
        disablement: pool.disablement.as_ref().map(disablement),
        distrust: pool.meta.distrust.as_ref().map(distrust),
        journal: journal(pool.journal).into(),
        failure_rules: pool
            .failure_rules
            .map(|rules| rules.text().to_owned())
            .unwrap_or_default(),
    }
}

fn member((name, member): &(TargetName, Member)) -> proto::PoolMember {
    proto::PoolMember {
        target: name.to_string(),
        tier: count(member.tier),
        weight: count(member.weight),
    }
}

/// Counts are bounded far below where this saturates.
fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// How the keys of a tier take turns.
pub(super) const fn strategy(strategy: Strategy) -> proto::SelectionStrategy {
    match strategy {
        Strategy::RoundRobin => proto::SelectionStrategy::RoundRobin,
        Strategy::Weighted => proto::SelectionStrategy::Weighted,
        Strategy::LeastUsed => proto::SelectionStrategy::LeastUsed,
    }
}

const fn journal(mode: Journaling) -> proto::JournalMode {
    match mode {
        Journaling::Off => proto::JournalMode::Off,
        Journaling::Rollup => proto::JournalMode::Rollup,
        Journaling::Full => proto::JournalMode::Full,
        Journaling::Strict => proto::JournalMode::Strict,
    }
}

fn health_policy(policy: &HealthPolicy) -> proto::HealthPolicy {
    proto::HealthPolicy {
        dead_ttl: Some(duration(policy.dead_ttl())),
        unhealthy_ttl: Some(duration(policy.unhealthy_ttl())),
        failure_threshold: count(policy.failure_threshold()),
        probe_enabled: policy.probe_enabled,
        probe_interval: Some(duration(policy.probe_interval())),
        verdicts: verdicts(policy.verdicts).into(),
        quarantine: Some(duration(policy.quarantine())),
        recovery_ramp: Some(duration(policy.recovery_ramp())),
        healthy_keys_min: policy.healthy_keys_min.map_or(0, count),
    }
}

const fn verdicts(policy: VerdictPolicy) -> proto::VerdictPolicy {
    match policy {
        VerdictPolicy::Confirm => proto::VerdictPolicy::Confirm,
        VerdictPolicy::Trust => proto::VerdictPolicy::Trust,
    }
}

/// What one use is expected to consume.
pub(super) fn estimate(estimate: Estimate) -> proto::Estimate {
    proto::Estimate {
        input_tokens: amount(estimate.input_tokens),
        output_tokens_max: amount(estimate.output_tokens),
        cost_micros: amount(estimate.cost_micros.unwrap_or(0)),
    }
}
