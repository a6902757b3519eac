//! `UpdatePool`.

use super::create_pool::replace_members;
use super::guard::check_etag;
use super::pool_view::{PoolView, view};
use super::{Done, Result, Verb, Work, get_pool};
use crate::domain::changes::{Changes, labels, number, or_unset, time};
use crate::domain::name::{PoolName, TargetName};
use crate::domain::pool::{Estimate, HealthPolicy, Member, Pool};
use crate::domain::pool_draft::PoolDraft;
use crate::store::pools;

/// Changes of a pool.
#[derive(Debug, Clone)]
pub struct UpdatePool {
    /// Which.
    pub name: PoolName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// What changes.
    pub draft: PoolDraft,
}

impl Verb for UpdatePool {
    type Answer = PoolView;

    async fn apply(mut self, work: &mut Work<'_>) -> Result<Done<PoolView>> {
        let mut pool = get_pool::to_change(work, &self.name).await?;
        check_etag(&self.etag, &pool.meta, &self.name)?;
        let before = view(work.conn, pool.clone(), work.now).await?;
        let members = self.draft.members.take();
        self.draft.apply(&mut pool);
        pool.meta.touch(work.rev, work.now);
        let mac = work.keys.mac.of_row(&pool);
        pools::update(work.conn, &pool, &mac).await?;
        if let Some(members) = members {
            replace_members(work, &mut pool, &members).await?;
        }
        let answer = view(work.conn, pool, work.now).await?;
        Ok(Done {
            resource: self.name.to_string(),
            summary: changes(&before, &answer).summary(),
            answer,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<PoolView> {
        get_pool::reread(work, &self.name).await
    }
}

/// What changed. A field that is new has to be named here.
fn changes(before: &PoolView, after: &PoolView) -> Changes {
    let Pool {
        meta,
        id: _,
        members: _,
        strategy,
        health_policy,
        default_estimate,
        rotation_interval,
        lease_duration,
        failure_rules,
        journal,
        disablement: _,
    } = &before.pool;
    let now = &after.pool;
    let mut changes = Changes::default();
    changes.field("labels", (&meta.labels, &now.meta.labels), labels);
    changes.field(
        "members",
        (&before.members[..], &after.members[..]),
        members,
    );
    changes.field("strategy", (strategy, &now.strategy), |strategy| {
        strategy.as_str().to_owned()
    });
    of_policy(&mut changes, health_policy, &now.health_policy);
    let estimates = (default_estimate, &now.default_estimate);
    changes.field("default_estimate", estimates, |own| {
        or_unset(own.as_ref(), estimate)
    });
    let intervals = (rotation_interval, &now.rotation_interval);
    changes.field("rotation_policy.interval", intervals, time);
    changes.field(
        "lease_duration",
        (lease_duration, &now.lease_duration),
        time,
    );
    changes.name_only("failure_rules", (failure_rules, &now.failure_rules));
    changes.field("journal", (journal, &now.journal), |mode| {
        mode.as_str().to_owned()
    });
    changes
}

fn of_policy(changes: &mut Changes, before: &HealthPolicy, now: &HealthPolicy) {
    let HealthPolicy {
        dead_ttl,
        unhealthy_ttl,
        failure_threshold,
        probe_enabled,
        probe_interval,
        verdicts,
        quarantine,
        recovery_ramp,
        healthy_keys_min,
    } = before;
    let times = [
        ("dead_ttl", dead_ttl, &now.dead_ttl),
        ("unhealthy_ttl", unhealthy_ttl, &now.unhealthy_ttl),
        ("probe_interval", probe_interval, &now.probe_interval),
        ("quarantine", quarantine, &now.quarantine),
        ("recovery_ramp", recovery_ramp, &now.recovery_ramp),
    ];
    for (name, before, now) in times {
        changes.field(&format!("health_policy.{name}"), (before, now), time);
    }
    let numbers = [
        (
            "failure_threshold",
            failure_threshold,
            &now.failure_threshold,
        ),
        ("healthy_keys_min", healthy_keys_min, &now.healthy_keys_min),
    ];
    for (name, before, now) in numbers {
        changes.field(&format!("health_policy.{name}"), (before, now), number);
    }
    let probed = (probe_enabled, &now.probe_enabled);
    changes.field("health_policy.probe_enabled", probed, bool::to_string);
    changes.field(
        "health_policy.verdicts",
        (verdicts, &now.verdicts),
        |policy| policy.as_str().to_owned(),
    );
}

fn members(members: &[(TargetName, Member)]) -> String {
    let one = |(name, member): &(TargetName, Member)| match (member.tier, member.weight) {
        (1, 1) => name.to_string(),
        (tier, weight) => format!("{name} (tier {tier}, weight {weight})"),
    };
    let all: Vec<String> = members.iter().map(one).collect();
    format!("[{}]", all.join(", "))
}

fn estimate(estimate: &Estimate) -> String {
    let cost = or_unset(estimate.cost_micros.as_ref(), u64::to_string);
    format!(
        "(input_tokens {}, output_tokens_max {}, cost_micros {cost})",
        estimate.input_tokens, estimate.output_tokens
    )
}
