//! What is asked of a pool when it is created or changed: each field that is to change, with its new value.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::classify::PoolRules;
use super::field::{FieldError, FieldErrors, Parsed, bounded};
use super::journal::Journaling;
use super::labels::Labels;
use super::name::TargetName;
use super::pool::{Estimate, HealthPolicy, MEMBERS_MAX, Member, Pool, Strategy, Target};

/// The last tier.
pub const TIER_MAX: u32 = 100;
/// The largest weight.
pub const WEIGHT_MAX: u32 = 1_000;
/// The shortest TTL of a verdict.
pub const TTL_MIN: Duration = Duration::from_secs(1);
/// The longest quarantine: whoever may be wrong keeps a key from everybody for no longer.
pub const QUARANTINE_MAX: Duration = Duration::from_hours(1);
/// The longest recovery.
pub const RECOVERY_RAMP_MAX: Duration = Duration::from_hours(24);
/// The largest failure threshold.
pub const FAILURE_THRESHOLD_MAX: u32 = 1_000;
/// The most keys that a pool can want to be healthy.
pub const HEALTHY_KEYS_MIN_MAX: u32 = 100_000;
/// The shortest time between probes.
pub const PROBE_INTERVAL_MIN: Duration = Duration::from_mins(1);
/// The most tokens of an estimate.
pub const ESTIMATE_TOKENS_MAX: u64 = 1_000_000_000;

/// The fields of a pool that are to change. An inner `None` means: inherit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolDraft {
    /// Free labels.
    pub labels: Option<Labels>,
    /// All members, anew.
    pub members: Option<Vec<MemberDraft>>,
    /// How one of a tier is chosen.
    pub strategy: Option<Strategy>,
    /// How health is judged.
    pub health_policy: Option<HealthPolicy>,
    /// The default estimate.
    pub default_estimate: Option<Option<Estimate>>,
    /// The rotation interval.
    pub rotation_interval: Option<Option<Duration>>,
    /// The lease duration.
    pub lease_duration: Option<Option<Duration>>,
    /// Rules of its own.
    pub failure_rules: Option<Option<Arc<PoolRules>>>,
    /// How closely its leases are recorded.
    pub journal: Option<Journaling>,
}

/// A member by name, before it is known to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDraft {
    /// What it is.
    pub target: TargetName,
    /// 1 first.
    pub tier: u32,
    /// Share of its tier.
    pub weight: u32,
}

impl PoolDraft {
    /// Changes `pool`, all but its members, whose names have to be looked up first.
    pub fn apply(self, pool: &mut Pool) {
        let old = pool.clone();
        pool.meta.labels = self.labels.unwrap_or(old.meta.labels);
        pool.strategy = self.strategy.unwrap_or(old.strategy);
        pool.health_policy = self.health_policy.unwrap_or(old.health_policy);
        pool.default_estimate = self.default_estimate.unwrap_or(old.default_estimate);
        pool.rotation_interval = self.rotation_interval.unwrap_or(old.rotation_interval);
        pool.lease_duration = self.lease_duration.unwrap_or(old.lease_duration);
        pool.failure_rules = self.failure_rules.unwrap_or(old.failure_rules);
        pool.journal = self.journal.unwrap_or(old.journal);
    }
}

impl MemberDraft {
    /// Parses one member; a tier or weight of 0 is unset and means 1.
    pub fn parse(
        errors: &mut FieldErrors,
        field: &str,
        target: &str,
        tier: i32,
        weight: i32,
    ) -> Option<Self> {
        let or_one = |value: i32| if value == 0 { 1 } else { i64::from(value) };
        let target = errors.take(TargetName::parse(&format!("{field}.target"), target));
        let tier = errors.take(count(&format!("{field}.tier"), or_one(tier), TIER_MAX));
        let weight = errors.take(count(
            &format!("{field}.weight"),
            or_one(weight),
            WEIGHT_MAX,
        ));
        Some(Self {
            target: target?,
            tier: tier?,
            weight: weight?,
        })
    }
}

/// A number from 1 to `max`.
fn count(field: &str, value: i64, max: u32) -> Parsed<u32> {
    let value = bounded(field, value, 1, i64::from(max))?;
    Ok(u32::try_from(value).unwrap_or(max))
}

/// Whether a pool may have this many members; asked before any of them is looked at.
///
/// # Errors
/// Names the field and the bound.
pub fn check_member_count(field: &str, count: usize) -> Parsed<()> {
    if count > MEMBERS_MAX {
        let message = format!(
            "has {count} members, at most {MEMBERS_MAX} are allowed; name whole accounts, or make another pool"
        );
        return Err(FieldError::new(field, message));
    }
    Ok(())
}

/// Notes every member that names a target twice, or a key whose account is a member too: its leases would be chosen twice as often
/// as its weight says.
pub fn refuse_duplicates<'a>(
    errors: &mut FieldErrors,
    members: impl Iterator<Item = (usize, &'a TargetName)> + Clone,
) {
    let accounts: HashSet<_> = members
        .clone()
        .filter_map(|(_, target)| match target {
            TargetName::Account(account) => Some(&account.0),
            TargetName::Key(_) => None,
        })
        .collect();
    let mut seen = HashSet::new();
    for (i, target) in members {
        let field = format!("pool.members[{i}].target");
        if !seen.insert(target) {
            let message = format!("names {target} a second time, remove one");
            errors.push(FieldError::new(field, message));
        } else if let TargetName::Key(key) = target
            && accounts.contains(&key.account)
        {
            let message = format!(
                "names {key}, which the member accounts/{} covers already; remove one of them",
                key.account
            );
            errors.push(FieldError::new(field, message));
        }
    }
}

/// The members, once every target is known by uid.
///
/// # Errors
/// Names every member whose target does not exist.
pub fn resolve(
    drafts: &[MemberDraft],
    find: impl Fn(&TargetName) -> Option<Target>,
) -> Result<Vec<Member>, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    let mut members = Vec::with_capacity(drafts.len());
    for (i, draft) in drafts.iter().enumerate() {
        match find(&draft.target) {
            Some(target) => members.push(Member {
                target,
                tier: draft.tier,
                weight: draft.weight,
            }),
            None => errors.push(FieldError::new(
                format!("pool.members[{i}].target"),
                format!(
                    "names {}, which does not exist; create it first",
                    draft.target
                ),
            )),
        }
    }
    errors.ready(Some(members))
}

#[cfg(test)]
#[path = "pool_draft_tests.rs"]
mod tests;
