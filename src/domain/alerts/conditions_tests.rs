use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::grouping::{KIND_MAX, SINGLES_MAX};
use super::super::{Severity, VAULT};
use super::*;
use crate::domain::health::FailureClass;
use crate::domain::id::Id;
use crate::domain::name::KeyName;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn id(text: &str) -> Id {
    Id::parse("id", text).unwrap()
}

fn key(account: &str, key: &str, fact: Fact) -> KeyFact {
    KeyFact {
        key: KeyName {
            account: id(account),
            key: id(key),
        },
        version: 3,
        fact,
    }
}

fn died() -> Fact {
    Fact::Died {
        until: at(1_000),
        class: FailureClass::Credential,
    }
}

fn pool(keys: usize, healthy: usize) -> PoolFact {
    PoolFact {
        pool: id("p"),
        keys,
        healthy,
        spent: 0,
        dead: keys - healthy,
        cooling: 0,
        disabled: 0,
        serves_at: Some(at(500)),
        healthy_min: None,
    }
}

fn of_pools(pools: Vec<PoolFact>) -> View {
    View {
        pools,
        ..View::default()
    }
}

fn of_keys(keys: Vec<KeyFact>) -> View {
    View {
        keys,
        ..View::default()
    }
}

/// The kinds that open, and those that only go on.
fn told(view: &View, open: &HashSet<ConditionName>) -> (Vec<Kind>, Vec<Kind>) {
    let (opening, lasting): (Vec<_>, Vec<_>) = conditions(view, open, at(0))
        .into_iter()
        .partition(|found| found.opens);
    let kinds = |found: Vec<Found>| found.iter().map(|f| f.condition.name.kind).collect();
    (kinds(opening), kinds(lasting))
}

/// All that a view opens from nothing.
fn opened(view: &View) -> HashSet<ConditionName> {
    let found = conditions(view, &HashSet::new(), at(0));
    found
        .into_iter()
        .map(|found| found.condition.name)
        .collect()
}

#[test]
fn a_dead_key_is_told_by_name_and_version_with_until_and_what_to_do() {
    let found = conditions(
        &of_keys(vec![key("a", "k", died())]),
        &HashSet::new(),
        at(0),
    );
    let [found] = &found[..] else {
        panic!("{found:?}");
    };
    let condition = &found.condition;
    assert_eq!(condition.name.resource, "accounts/a/keys/k/versions/3");
    assert!(condition.summary.contains("dead (credential)"));
    assert!(condition.summary.contains("1970-01-01T00:16:40Z"));
    assert!(condition.remedy.contains("keylease keys rotate a/k"));
    assert_eq!(condition.until, Some(at(1_000)));
    assert_eq!(condition.name.kind.severity(), Severity::Warning);
}

#[test]
fn a_pool_is_told_when_its_last_key_is_left_and_when_none_is() {
    assert_eq!(told(&of_pools(vec![pool(3, 2)]), &HashSet::new()).0, []);
    // A pool of one key has always had one.
    assert_eq!(told(&of_pools(vec![pool(1, 1)]), &HashSet::new()).0, []);
    assert_eq!(told(&of_pools(vec![pool(0, 0)]), &HashSet::new()).0, []);
    let last = of_pools(vec![pool(3, 1)]);
    assert_eq!(told(&last, &HashSet::new()).0, [Kind::LastHealthyKey]);
    // What is worse does not end what is less bad.
    let exhausted = of_pools(vec![pool(3, 0)]);
    assert_eq!(told(&exhausted, &HashSet::new()).0, [Kind::PoolExhausted]);
    let (opening, lasting) = told(&exhausted, &opened(&last));
    assert_eq!(
        (opening, lasting),
        (vec![Kind::PoolExhausted], vec![Kind::LastHealthyKey])
    );
}

#[test]
fn a_pool_that_is_back_in_a_moment_is_not_told_of() {
    let brief = PoolFact {
        serves_at: Some(at(9)),
        ..pool(1, 0)
    };
    let for_ever = PoolFact {
        serves_at: None,
        ..pool(1, 0)
    };
    assert_eq!(told(&of_pools(vec![brief.clone()]), &HashSet::new()).0, []);
    assert_eq!(
        told(&of_pools(vec![for_ever.clone()]), &HashSet::new()).0,
        [Kind::PoolExhausted]
    );
    // Nor does its end come early: it is open until a key serves.
    let open = opened(&of_pools(vec![for_ever]));
    assert_eq!(told(&of_pools(vec![brief]), &open).1, [Kind::PoolExhausted]);
}

#[test]
fn a_pool_whose_limits_are_spent_is_exhausted_though_its_keys_are_well() {
    let spent = PoolFact {
        spent: 2,
        healthy_min: Some(2),
        ..pool(2, 0)
    };
    let view = of_pools(vec![PoolFact { dead: 0, ..spent }]);
    assert_eq!(told(&view, &HashSet::new()).0, [Kind::PoolExhausted]);
    let found = conditions(&view, &HashSet::new(), at(0));
    let summary = &found[0].condition.summary;
    assert!(
        summary.contains("of 2 keys 2 out of a limit of their account; the first may at"),
        "{summary}"
    );
}

#[test]
fn fewer_healthy_keys_than_wanted_are_told_where_a_policy_wants_some() {
    let wanting = |healthy| PoolFact {
        healthy_min: Some(3),
        ..pool(5, healthy)
    };
    assert_eq!(told(&of_pools(vec![wanting(3)]), &HashSet::new()).0, []);
    let few = of_pools(vec![wanting(2)]);
    assert_eq!(told(&few, &HashSet::new()).0, [Kind::FewHealthyKeys]);
    assert_eq!(
        told(&of_pools(vec![wanting(0)]), &opened(&few)).1,
        [Kind::FewHealthyKeys]
    );
}

#[test]
fn a_rotation_is_due_before_it_is_overdue_and_stays_due_then() {
    let due = of_keys(vec![key("a", "k", Fact::Rotates(at(10)))]);
    let overdue = of_keys(vec![key("a", "k", Fact::Rotates(at(0)))]);
    assert_eq!(told(&due, &HashSet::new()).0, [Kind::RotationDue]);
    let (opening, lasting) = told(&overdue, &opened(&due));
    assert_eq!(
        (opening, lasting),
        (vec![Kind::RotationOverdue], vec![Kind::RotationDue])
    );
    assert_eq!(told(&overdue, &HashSet::new()).0, [Kind::RotationOverdue]);
}

#[test]
fn rows_that_are_not_believed_are_told_by_kind() {
    let view = View {
        rows: vec![("pool_member", 2), ("key", 0)],
        ..View::default()
    };
    let found = conditions(&view, &HashSet::new(), at(0));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].condition.name.resource, "pool-member");
}

#[test]
fn many_dead_keys_of_an_account_are_one_alert_until_none_is_dead() {
    let dead = |count| {
        let keys = (0..count).map(|n| key("a", &format!("k{n}"), died()));
        of_keys(keys.collect())
    };
    let single = opened(&dead(SINGLES_MAX));
    assert_eq!(single.len(), SINGLES_MAX);
    let many = conditions(&dead(100_000), &single, at(0));
    let opening: Vec<_> = many.iter().filter(|found| found.opens).collect();
    assert_eq!(opening.len(), 1);
    let group = &opening[0].condition;
    assert_eq!(group.name.resource, "accounts/a");
    assert!(
        group
            .summary
            .starts_with("100000 keys of accounts/a are dead, such as accounts/a/keys/k0")
    );
    // Those that were open are neither over nor told again.
    assert_eq!(many.len(), SINGLES_MAX + 1);
    let one_left = conditions(&dead(1), &HashSet::from([group.name.clone()]), at(0));
    assert_eq!(one_left.len(), 1);
    assert_eq!(one_left[0].condition.name, group.name);
    assert_eq!(
        conditions(&dead(0), &HashSet::from([group.name.clone()]), at(0)),
        []
    );
}

proptest! {
    /// Whatever is so: what holds is told by its own name, its account's or the vault's; a kind has a bounded number of alerts; and what is
    /// open is not over while something under it holds.
    #[test]
    fn everything_is_told_once_and_in_bounds(
        keys in proptest::collection::vec((0_u8..40, 0_u8..30), 0..200),
        before in proptest::collection::vec((0_u8..40, 0_u8..30), 0..200),
    ) {
        let view = |keys: &[(u8, u8)]| {
            let unique: BTreeMap<_, _> = keys.iter().map(|k| (*k, ())).collect();
            let facts = unique.keys().map(|(a, k)| key(&format!("a{a}"), &format!("k{k}"), died()));
            of_keys(facts.collect())
        };
        let open = opened(&view(&before));
        let now = view(&keys);
        let found = conditions(&now, &open, at(0));
        let opening: HashSet<&str> = found
            .iter()
            .filter(|found| found.opens)
            .map(|found| found.condition.name.resource.as_str())
            .collect();
        prop_assert!(opening.len() <= KIND_MAX);
        let names: HashSet<_> = found.iter().map(|found| &found.condition.name).collect();
        prop_assert_eq!(names.len(), found.len());
        for fact in &now.keys {
            let own = fact.version_name().to_string();
            let account = format!("accounts/{}", fact.key.account);
            let tellers = [own.as_str(), account.as_str(), VAULT];
            prop_assert_eq!(tellers.iter().filter(|name| opening.contains(**name)).count(), 1);
            for name in &open {
                let still = tellers.contains(&name.resource.as_str());
                prop_assert!(!still || names.contains(name), "{:?} is over", name);
            }
        }
    }
}
