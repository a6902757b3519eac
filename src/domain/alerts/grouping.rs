//! Many resources with the same condition are told of together: a hundred thousand dead keys are one message, not as many.
//!
//! More than [`SINGLES_MAX`] of one account become one condition of the account, and where a kind would still have more than [`KIND_MAX`],
//! it becomes one of the whole vault. What is told together stays together until all of it is over.

use std::collections::{BTreeMap, HashSet};

use super::conditions::is_of_keys;
use super::{Condition, ConditionName, Found, Kind, VAULT, sentences};
use crate::domain::id::Id;

/// The most resources of one account that are told of one by one.
pub(super) const SINGLES_MAX: usize = 10;
/// The most alerts of one kind.
pub(super) const KIND_MAX: usize = 20;

/// One resource that a condition holds of.
#[derive(Debug)]
pub(super) struct Item {
    account: Option<Id>,
    found: Found,
}

impl Item {
    /// Of a key of this account.
    pub(super) fn of_account(account: &Id, condition: Condition) -> Self {
        Self {
            account: Some(account.clone()),
            ..Self::alone(condition)
        }
    }

    /// Of something that belongs to no account.
    pub(super) const fn alone(condition: Condition) -> Self {
        Self {
            account: None,
            found: Found {
                condition,
                opens: true,
            },
        }
    }

    /// Whether an alert is made of it.
    pub(super) const fn opening(mut self, opens: bool) -> Self {
        self.found.opens = opens;
        self
    }

    fn name(&self) -> &ConditionName {
        &self.found.condition.name
    }
}

/// The items of each kind as they are, or together where they are many.
pub(super) fn bound(items: Vec<Item>, open: &HashSet<ConditionName>) -> Vec<Found> {
    let mut by_kind: BTreeMap<Kind, Vec<Item>> = BTreeMap::new();
    for item in items {
        by_kind.entry(item.name().kind).or_default().push(item);
    }
    let bounded = by_kind
        .into_iter()
        .flat_map(|(kind, items)| of_kind(kind, items, open));
    bounded.collect()
}

fn of_kind(kind: Kind, items: Vec<Item>, open: &HashSet<ConditionName>) -> Vec<Found> {
    let is_open = |name: &ConditionName| open.contains(name);
    let all = together(kind, VAULT, &items);
    let mut by_account: BTreeMap<Option<Id>, Vec<Item>> = BTreeMap::new();
    for item in items {
        let account = item.account.clone();
        by_account.entry(account).or_default().push(item);
    }
    let mut groups = Vec::new();
    let mut alerts = 0;
    for (account, items) in by_account {
        let resource = account.map(|account| format!("accounts/{account}"));
        let group = resource.map(|resource| together(kind, &resource, &items));
        let is_many =
            |group: &Found| count_opening(&items) > SINGLES_MAX || is_open(&group.condition.name);
        let group = group.filter(is_many);
        alerts += group.as_ref().map_or(count_opening(&items), |_| 1);
        groups.push((group, items));
    }
    let is_whole = alerts > KIND_MAX || is_open(&all.condition.name);
    let mut found = Vec::new();
    for (group, items) in groups {
        let is_covered = is_whole || group.is_some();
        found.extend(group.map(|group| covered(group, is_whole)));
        found.extend(
            items
                .into_iter()
                .map(|item| covered(item.found, is_covered)),
        );
    }
    if is_whole {
        found.push(all);
    }
    // What opens nothing matters only where it is open.
    found.retain(|found| found.opens || is_open(&found.condition.name));
    found
}

fn count_opening(items: &[Item]) -> usize {
    items.iter().filter(|item| item.found.opens).count()
}

const fn covered(mut found: Found, is_covered: bool) -> Found {
    found.opens = found.opens && !is_covered;
    found
}

/// One condition for all of these.
fn together(kind: Kind, resource: &str, items: &[Item]) -> Found {
    let telling: Vec<&Item> = match count_opening(items) {
        0 => items.iter().collect(),
        _ => items.iter().filter(|item| item.found.opens).collect(),
    };
    let conditions = telling.iter().map(|item| &item.found.condition);
    let what = if is_of_keys(kind) { "keys" } else { "pools" };
    Found {
        condition: sentences::together(kind, resource, what, conditions),
        opens: telling.iter().any(|item| item.found.opens),
    }
}
