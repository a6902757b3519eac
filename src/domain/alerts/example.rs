//! What tests of conditions share.

use std::collections::HashSet;

use super::conditions::conditions;
use super::view::{Fact, KeyFact, PoolFact, View};
use super::{ConditionName, Found, Kind};
use crate::domain::health::FailureClass;
use crate::domain::id::Id;
use crate::domain::name::KeyName;
use crate::domain::time::Timestamp;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub(super) fn id(text: &str) -> Id {
    Id::parse("id", text).unwrap()
}

pub(super) fn key(account: &str, key: &str, fact: Fact) -> KeyFact {
    KeyFact {
        key: KeyName {
            account: id(account),
            key: id(key),
        },
        version: 3,
        is_braked: false,
        fact,
    }
}

pub(super) fn died() -> Fact {
    Fact::Died {
        until: at(1_000),
        class: FailureClass::Credential,
    }
}

pub(super) fn pool(keys: usize, healthy: usize) -> PoolFact {
    PoolFact {
        pool: id("p"),
        keys,
        healthy,
        spent: 0,
        shut: 0,
        due: 0,
        dead: keys - healthy,
        cooling: 0,
        disabled: 0,
        serves_at: Some(at(500)),
        healthy_min: None,
        models_out: Vec::new(),
    }
}

pub(super) fn of_pools(pools: Vec<PoolFact>) -> View {
    View {
        pools,
        ..View::default()
    }
}

pub(super) fn of_keys(keys: Vec<KeyFact>) -> View {
    View {
        keys,
        ..View::default()
    }
}

/// The kinds that open, and those that only go on.
pub(super) fn told(view: &View, open: &HashSet<ConditionName>) -> (Vec<Kind>, Vec<Kind>) {
    let (opening, lasting): (Vec<_>, Vec<_>) = conditions(view, open, at(0))
        .into_iter()
        .partition(|found| found.opens);
    let kinds = |found: Vec<Found>| found.iter().map(|f| f.condition.name.kind).collect();
    (kinds(opening), kinds(lasting))
}

/// All that a view opens from nothing.
pub(super) fn opened(view: &View) -> HashSet<ConditionName> {
    let found = conditions(view, &HashSet::new(), at(0));
    found
        .into_iter()
        .map(|found| found.condition.name)
        .collect()
}
