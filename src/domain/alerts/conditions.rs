//! Which conditions hold, by a view of the state. What is open already is known, so that nothing is told twice under two names.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::grouping::{self, Item};
use super::view::{Fact, KeyFact, PoolFact, View};
use super::{ConditionName, Found, sentences};
use crate::domain::incident::Ongoing;
use crate::domain::time::Timestamp;

/// A pool that can serve again so soon is not told of: short cooldowns are what limits of minutes are made of, and callers wait for them.
const EXHAUSTED_MIN: Duration = Duration::from_secs(10);

/// The conditions that hold at `now`, a bounded number of each kind; `open` names the alerts that are open.
#[must_use]
pub fn conditions(view: &View, open: &HashSet<ConditionName>, now: Timestamp) -> Vec<Found> {
    let mut items = Vec::new();
    for key in &view.keys {
        of_key(key, now, &mut items);
    }
    for pool in &view.pools {
        of_pool(pool, now, &mut items);
    }
    for (kind, count) in view.rows.iter().filter(|(_, count)| *count > 0) {
        items.push(Item::alone(sentences::rows_distrusted(kind, *count)));
    }
    for limit in &view.limits {
        let differs = sentences::limit_differs(limit);
        items.push(Item::of_account(&limit.account, differs));
    }
    for quota in &view.quotas {
        items.push(Item::of_account(
            &quota.account,
            sentences::quota_spent(quota),
        ));
    }
    if view.is_journal_behind {
        items.push(Item::alone(sentences::journal_behind()));
    }
    for rotation in &view.rotations {
        let failed = sentences::rotation_failed(rotation);
        let account = &rotation.rotation.key.account;
        items.push(Item::of_account(account, failed));
    }
    let mut befallen: BTreeMap<String, Vec<&Ongoing>> = BTreeMap::new();
    for incident in &view.incidents {
        let subject = incident.subject.to_string();
        befallen.entry(subject).or_default().push(incident);
    }
    for (subject, incidents) in befallen {
        items.push(Item::alone(sentences::mass_failure(&subject, &incidents)));
    }
    grouping::bound(items, open)
}

fn of_key(key: &KeyFact, now: Timestamp, items: &mut Vec<Item>) {
    let account = &key.key.account;
    match &key.fact {
        Fact::Died { until, class } => {
            let died = sentences::key_died(key, *until, *class, now);
            // What befalls a whole pool is told of the pool.
            items.push(Item::of_account(account, died).opening(!key.is_braked));
        }
        Fact::Barred => items.push(Item::of_account(account, sentences::key_barred(key))),
        Fact::Undecryptable { missing_key } => {
            let undecryptable = sentences::key_undecryptable(key, missing_key.as_deref());
            items.push(Item::of_account(account, undecryptable));
        }
        Fact::Rotates(at) => {
            let is_overdue = *at <= now;
            let due = Item::of_account(account, sentences::rotation_due(&key.key, *at));
            items.push(due.opening(!is_overdue));
            if is_overdue {
                let overdue = sentences::rotation_overdue(&key.key, *at);
                items.push(Item::of_account(account, overdue));
            }
        }
    }
}

/// What is worse does not end what is less bad: a pool that is exhausted still has too few healthy keys.
fn of_pool(pool: &PoolFact, now: Timestamp, items: &mut Vec<Item>) {
    if pool.keys == 0 {
        return;
    }
    // A canary is a lease too.
    let is_exhausted = pool.healthy + pool.due == 0;
    if is_exhausted {
        let is_long = pool
            .serves_at
            .is_none_or(|at| at >= now.after(EXHAUSTED_MIN));
        items.push(Item::alone(sentences::pool_exhausted(pool)).opening(is_long));
    } else if let Some(longest) = pool.models_out.first() {
        let ends = longest.serves_at;
        let is_long = ends.is_none_or(|at| at >= now.after(EXHAUSTED_MIN));
        items.push(Item::alone(sentences::models_exhausted(pool, longest)).opening(is_long));
    }
    // A key whose limit is spent, or whose provider fails, is as well as it was.
    let healthy = pool.well();
    let is_exhausted = is_exhausted && healthy == 0;
    if healthy <= 1 && pool.keys > 1 {
        items.push(Item::alone(sentences::last_healthy_key(pool)).opening(!is_exhausted));
    }
    if let Some(min) = pool
        .healthy_min
        .filter(|min| healthy < usize::try_from(*min).unwrap_or(usize::MAX))
    {
        items.push(Item::alone(sentences::few_healthy_keys(pool, min)).opening(!is_exhausted));
    }
}

#[cfg(test)]
#[path = "shut_tests.rs"]
mod shut_tests;
#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
