//! A pool as the wire brings it, parsed: every field that is to change, and all that is wrong with them.

use std::sync::Arc;
use std::time::Duration;

use super::faults::Faults;
use crate::domain::classify::PoolRules;
use crate::domain::field::{FieldError, Parsed, bounded};
use crate::domain::journal::Journaling;
use crate::domain::labels::Labels;
use crate::domain::limit::AMOUNT_MAX;
use crate::domain::pool::{
    Estimate, HealthPolicy, LEASE_DURATION_MAX, LEASE_DURATION_MIN, Strategy, TTL_MAX,
    VerdictPolicy,
};
use crate::domain::pool_draft::{
    ESTIMATE_TOKENS_MAX, FAILURE_THRESHOLD_MAX, HEALTHY_KEYS_MIN_MAX, MemberDraft,
    PROBE_INTERVAL_MIN, PoolDraft, QUARANTINE_MAX, RECOVERY_RAMP_MAX, TTL_MIN, check_member_count,
    refuse_duplicates,
};
use crate::proto as v1;
use crate::service::convert::{parse_count, parse_millis, parse_rotation_policy};

/// The fields that UpdatePool can change.
pub(super) const MUTABLE: [&str; 9] = [
    "labels",
    "members",
    "strategy",
    "health_policy",
    "default_estimate",
    "rotation_policy",
    "lease_duration",
    "failure_rules",
    "journal",
];

/// The fields of `pool` for which `wanted` says yes.
pub(super) fn draft(
    faults: &mut Faults,
    pool: v1::Pool,
    wanted: impl Fn(&str) -> bool,
) -> PoolDraft {
    let mut draft = PoolDraft::default();
    if wanted("labels") {
        draft.labels = faults.take(Labels::parse("pool.labels", pool.labels));
    }
    if wanted("members") {
        draft.members = Some(members(faults, &pool.members));
    }
    if wanted("strategy") {
        draft.strategy = faults.take(strategy(pool.strategy));
    }
    if wanted("health_policy") {
        draft.health_policy = Some(health_policy(faults, pool.health_policy));
    }
    if wanted("default_estimate") {
        let estimate = pool.default_estimate;
        draft.default_estimate =
            Some(estimate.and_then(|e| self::estimate(faults, "pool.default_estimate", e)));
    }
    if wanted("rotation_policy") {
        let policy = pool.rotation_policy.as_ref();
        draft.rotation_interval =
            faults.take(parse_rotation_policy("pool.rotation_policy", policy));
    }
    if wanted("lease_duration") {
        let (min, max) = (LEASE_DURATION_MIN, LEASE_DURATION_MAX);
        let parsed = parse_millis("pool.lease_duration", pool.lease_duration, min, max);
        draft.lease_duration = faults.take(parsed);
    }
    if wanted("failure_rules") {
        draft.failure_rules = faults.take(failure_rules(pool.failure_rules));
    }
    if wanted("journal") {
        draft.journal = faults.take(journaling(pool.journal));
    }
    draft
}

fn journaling(mode: i32) -> Parsed<Journaling> {
    match v1::JournalMode::try_from(mode) {
        Ok(v1::JournalMode::Off) => Ok(Journaling::Off),
        Ok(v1::JournalMode::Unspecified | v1::JournalMode::Rollup) => Ok(Journaling::Rollup),
        Ok(v1::JournalMode::Full) => Ok(Journaling::Full),
        Ok(v1::JournalMode::Strict) => Ok(Journaling::Strict),
        Err(_) => Err(FieldError::new(
            "pool.journal",
            "is unknown, choose one of JournalMode",
        )),
    }
}

/// No text is no rules.
fn failure_rules(text: String) -> Parsed<Option<Arc<PoolRules>>> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = PoolRules::parse(text).map(Arc::new);
    let parsed = parsed.map_err(|what| FieldError::new("pool.failure_rules", what));
    parsed.map(Some)
}

fn members(faults: &mut Faults, members: &[v1::PoolMember]) -> Vec<MemberDraft> {
    if let Err(fault) = check_member_count("pool.members", members.len()) {
        faults.add(fault);
        return Vec::new();
    }
    let drafts: Vec<_> = members
        .iter()
        .enumerate()
        .map(|(i, member)| {
            let field = format!("pool.members[{i}]");
            MemberDraft::parse(
                &mut faults.fields,
                &field,
                &member.target,
                member.tier,
                member.weight,
            )
        })
        .collect();
    let named = drafts
        .iter()
        .enumerate()
        .filter_map(|(i, draft)| Some((i, &draft.as_ref()?.target)));
    refuse_duplicates(&mut faults.fields, named);
    drafts.into_iter().flatten().collect()
}

fn strategy(value: i32) -> Parsed<Strategy> {
    match v1::SelectionStrategy::try_from(value) {
        Ok(v1::SelectionStrategy::Unspecified | v1::SelectionStrategy::RoundRobin) => {
            Ok(Strategy::RoundRobin)
        }
        Ok(v1::SelectionStrategy::Weighted) => Ok(Strategy::Weighted),
        Ok(v1::SelectionStrategy::LeastUsed) => Ok(Strategy::LeastUsed),
        Err(_) => Err(FieldError::new(
            "pool.strategy",
            "must be ROUND_ROBIN, WEIGHTED or LEAST_USED",
        )),
    }
}

fn health_policy(faults: &mut Faults, policy: Option<v1::HealthPolicy>) -> HealthPolicy {
    let policy = policy.unwrap_or_default();
    let mut span = |name: &str, value, min, max| {
        let field = format!("pool.health_policy.{name}");
        faults.take(parse_millis(&field, value, min, max)).flatten()
    };
    let dead_ttl = span("dead_ttl", policy.dead_ttl, TTL_MIN, TTL_MAX);
    let unhealthy_ttl = span("unhealthy_ttl", policy.unhealthy_ttl, TTL_MIN, TTL_MAX);
    let interval = policy.probe_interval;
    let probe_interval = span("probe_interval", interval, PROBE_INTERVAL_MIN, TTL_MAX);
    let quarantine = span("quarantine", policy.quarantine, TTL_MIN, QUARANTINE_MAX);
    let (ramp, none) = (policy.recovery_ramp, Duration::ZERO);
    let recovery_ramp = span("recovery_ramp", ramp, none, RECOVERY_RAMP_MAX);
    HealthPolicy {
        verdicts: faults.take(verdicts(policy.verdicts)).unwrap_or_default(),
        quarantine,
        recovery_ramp,
        dead_ttl,
        unhealthy_ttl,
        failure_threshold: count(
            faults,
            "failure_threshold",
            policy.failure_threshold,
            FAILURE_THRESHOLD_MAX,
        ),
        probe_enabled: policy.probe_enabled,
        probe_interval,
        healthy_keys_min: count(
            faults,
            "healthy_keys_min",
            policy.healthy_keys_min,
            HEALTHY_KEYS_MIN_MAX,
        ),
    }
}

fn verdicts(value: i32) -> Parsed<VerdictPolicy> {
    match v1::VerdictPolicy::try_from(value) {
        Ok(v1::VerdictPolicy::Unspecified | v1::VerdictPolicy::Confirm) => {
            Ok(VerdictPolicy::Confirm)
        }
        Ok(v1::VerdictPolicy::Trust) => Ok(VerdictPolicy::Trust),
        Err(_) => Err(FieldError::new(
            "pool.health_policy.verdicts",
            "must be CONFIRM or TRUST",
        )),
    }
}

/// 0 is unset.
fn count(faults: &mut Faults, name: &str, value: i32, max: u32) -> Option<u32> {
    if value == 0 {
        return None;
    }
    let field = format!("pool.health_policy.{name}");
    faults.take(parse_count(&field, value, 1, max))
}

/// An estimate; all of its fields are looked at.
fn estimate(faults: &mut Faults, field: &str, value: v1::Estimate) -> Option<Estimate> {
    let mut part = |name: &str, value: i64, max: u64| {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let value = faults.take(bounded(&format!("{field}.{name}"), value, 0, max))?;
        u64::try_from(value).ok()
    };
    let input_tokens = part("input_tokens", value.input_tokens, ESTIMATE_TOKENS_MAX);
    let output_tokens = part(
        "output_tokens_max",
        value.output_tokens_max,
        ESTIMATE_TOKENS_MAX,
    );
    let cost_micros = part("cost_micros", value.cost_micros, AMOUNT_MAX);
    Some(Estimate {
        input_tokens: input_tokens?,
        output_tokens: output_tokens?,
        cost_micros: cost_micros.map(|cost| (cost > 0).then_some(cost))?,
    })
}

#[cfg(test)]
#[path = "parse_pool_tests.rs"]
mod tests;
