//! The fields of a pool as flags.

use clap::{Args, ValueEnum};

use super::choices::{Journal, Strategy, Verdicts};
use super::members::{Member, member};
use super::rules;
use crate::cli::failure::Failure;
use crate::cli::flags;
use crate::proto::{Estimate, HealthPolicy, Pool, RotationPolicy};

/// What can be set; a flag that is not given leaves its field alone.
#[derive(Debug, Default, Args)]
pub(crate) struct PoolFlags {
    /// An account (all its keys) or one key to lease from, such as openai, openai/main:tier=2 or
    /// accounts/openai:tier=1,weight=3; may be repeated. Tiers are tried in order, 1 first; weights count under `weighted`
    #[arg(long = "member", value_name = "MEMBER", value_parser = member)]
    members: Vec<Member>,
    /// How a key of a tier is chosen [default: round-robin]
    #[arg(long)]
    strategy: Option<Strategy>,
    /// Failures in a row that no rule explains before a version cools as unhealthy: 1 to 1,000 [default: 5]
    #[arg(long, value_name = "FAILURES", value_parser = clap::value_parser!(i32).range(1..=1_000))]
    failure_threshold: Option<i32>,
    /// How long a dead version stays blacklisted: 1s to 31days [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    dead_ttl: Option<prost_types::Duration>,
    /// How long an unhealthy version cools: 1s to 31days [default: 30m]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    unhealthy_ttl: Option<prost_types::Duration>,
    /// What one caller's word that a key is no good is worth [default: confirm]
    #[arg(long)]
    verdicts: Option<Verdicts>,
    /// How long a version that one caller accused waits for a confirmation: 1s to 1h [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    quarantine: Option<prost_types::Duration>,
    /// Over how long a version that was dead grows back to its whole share: 0s to 24h [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    recovery_ramp: Option<prost_types::Duration>,
    /// Probe keys: ask their providers about them; not those of the profile generic
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    probe: Option<bool>,
    /// Time between probes: 1m to 31days [default: 6h]; a suspected key is probed at once
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    probe_interval: Option<prost_types::Duration>,
    /// Raise an alert where fewer keys are healthy: 1 to 100,000 [default: none]
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(i32).range(1..=100_000))]
    healthy_keys_min: Option<i32>,
    /// Input tokens of a use that gives no estimate [default: 1000]
    #[arg(long, value_name = "TOKENS")]
    estimate_input: Option<i64>,
    /// Most output tokens of a use that gives no estimate [default: 1000]
    #[arg(long, value_name = "TOKENS")]
    estimate_output: Option<i64>,
    /// Cost of a use that gives no estimate, in millionths of the currency unit
    #[arg(long, value_name = "MICROS")]
    estimate_cost_micros: Option<i64>,
    /// How often its keys have to be replaced, where neither key nor account says: 1h to 3653days [default: 168h]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    rotation_interval: Option<prost_types::Duration>,
    /// How long a lease may be reported where the call does not say: 1s to 24h [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    lease_duration: Option<prost_types::Duration>,
    /// A file of rules that say what failures mean, before the built-in ones; try it with `keylease classify --rules FILE`
    #[arg(long, value_name = "FILE", value_parser = rules::file)]
    failure_rules: Option<String>,
    /// How closely leases are recorded [default: rollup]
    #[arg(long)]
    journal: Option<Journal>,
    /// A label; may be repeated, at most 16
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = flags::pair)]
    labels: Vec<(String, String)>,
}

/// Fields that can be unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoolField {
    /// No members
    Members,
    /// Round robin
    Strategy,
    /// Every part of it back to its default
    HealthPolicy,
    /// Back to 1,000 input and 1,000 output tokens
    DefaultEstimate,
    /// Back to 168 hours
    RotationPolicy,
    /// Back to 10 minutes
    LeaseDuration,
    /// The built-in ones judge alone
    FailureRules,
    /// Back to rollup
    Journal,
    /// No labels
    Labels,
}

impl PoolField {
    fn path(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Strategy => "strategy",
            Self::HealthPolicy => "health_policy",
            Self::DefaultEstimate => "default_estimate",
            Self::RotationPolicy => "rotation_policy",
            Self::LeaseDuration => "lease_duration",
            Self::FailureRules => "failure_rules",
            Self::Journal => "journal",
            Self::Labels => "labels",
        }
    }

    /// Unsets the field.
    pub(super) fn clear(self, pool: &mut Pool) {
        match self {
            Self::Members => pool.members.clear(),
            Self::Strategy => pool.strategy = 0,
            Self::HealthPolicy => pool.health_policy = None,
            Self::DefaultEstimate => pool.default_estimate = None,
            Self::RotationPolicy => pool.rotation_policy = None,
            Self::LeaseDuration => pool.lease_duration = None,
            Self::FailureRules => pool.failure_rules.clear(),
            Self::Journal => pool.journal = 0,
            Self::Labels => pool.labels.clear(),
        }
    }
}

impl PoolFlags {
    /// The fields that change, by their paths; `removed` says whether members are removed.
    pub(super) fn mask(
        &self,
        cleared: &[PoolField],
        removed: bool,
    ) -> Result<Option<prost_types::FieldMask>, Failure> {
        let mut fields = cleared.to_vec();
        let mut given = |is_given: bool, field| {
            if is_given {
                fields.push(field);
            }
        };
        given(removed || !self.members.is_empty(), PoolField::Members);
        given(self.strategy.is_some(), PoolField::Strategy);
        given(self.judges(), PoolField::HealthPolicy);
        given(self.estimates(), PoolField::DefaultEstimate);
        given(self.rotation_interval.is_some(), PoolField::RotationPolicy);
        given(self.lease_duration.is_some(), PoolField::LeaseDuration);
        given(self.failure_rules.is_some(), PoolField::FailureRules);
        given(self.journal.is_some(), PoolField::Journal);
        given(!self.labels.is_empty(), PoolField::Labels);
        flags::mask(fields.into_iter().map(PoolField::path).collect())
    }

    /// Writes what was given into a pool.
    pub(super) fn apply(&self, pool: &mut Pool) {
        for member in &self.members {
            member.put(&mut pool.members);
        }
        if let Some(strategy) = self.strategy {
            pool.set_strategy(strategy.into());
        }
        if self.judges() {
            self.judge(pool.health_policy.get_or_insert_default());
        }
        if self.estimates() {
            self.estimate(pool.default_estimate.get_or_insert_default());
        }
        if self.rotation_interval.is_some() {
            pool.rotation_policy = Some(RotationPolicy {
                interval: self.rotation_interval,
            });
        }
        pool.lease_duration = self.lease_duration.or(pool.lease_duration);
        if let Some(rules) = &self.failure_rules {
            pool.failure_rules.clone_from(rules);
        }
        if let Some(journal) = self.journal {
            pool.set_journal(journal.into());
        }
        flags::extend(&mut pool.labels, &self.labels);
    }

    fn judges(&self) -> bool {
        self.failure_threshold.is_some()
            || self.dead_ttl.is_some()
            || self.unhealthy_ttl.is_some()
            || self.verdicts.is_some()
            || self.quarantine.is_some()
            || self.recovery_ramp.is_some()
            || self.probe.is_some()
            || self.probe_interval.is_some()
            || self.healthy_keys_min.is_some()
    }

    fn judge(&self, policy: &mut HealthPolicy) {
        policy.failure_threshold = self.failure_threshold.unwrap_or(policy.failure_threshold);
        policy.dead_ttl = self.dead_ttl.or(policy.dead_ttl);
        policy.unhealthy_ttl = self.unhealthy_ttl.or(policy.unhealthy_ttl);
        if let Some(verdicts) = self.verdicts {
            policy.set_verdicts(verdicts.into());
        }
        policy.quarantine = self.quarantine.or(policy.quarantine);
        policy.recovery_ramp = self.recovery_ramp.or(policy.recovery_ramp);
        policy.probe_enabled = self.probe.unwrap_or(policy.probe_enabled);
        policy.probe_interval = self.probe_interval.or(policy.probe_interval);
        policy.healthy_keys_min = self.healthy_keys_min.unwrap_or(policy.healthy_keys_min);
    }

    fn estimates(&self) -> bool {
        self.estimate_input.is_some()
            || self.estimate_output.is_some()
            || self.estimate_cost_micros.is_some()
    }

    fn estimate(&self, estimate: &mut Estimate) {
        estimate.input_tokens = self.estimate_input.unwrap_or(estimate.input_tokens);
        estimate.output_tokens_max = self.estimate_output.unwrap_or(estimate.output_tokens_max);
        estimate.cost_micros = self.estimate_cost_micros.unwrap_or(estimate.cost_micros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ttl_leaves_the_rest_of_the_policy_alone() {
        let flags = PoolFlags {
            dead_ttl: Some(flags::duration("12h").unwrap()),
            ..PoolFlags::default()
        };
        let mut pool = Pool {
            health_policy: Some(HealthPolicy {
                failure_threshold: 7,
                ..HealthPolicy::default()
            }),
            ..Pool::default()
        };
        flags.apply(&mut pool);
        let policy = pool.health_policy.unwrap();
        assert_eq!(policy.failure_threshold, 7);
        assert_eq!(policy.dead_ttl.unwrap().seconds, 43_200);
        assert_eq!(
            flags.mask(&[], true).unwrap().unwrap().paths,
            ["health_policy", "members"]
        );
    }
}
