//! Tests of the pools of a snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::domain::key::Stage;
use crate::domain::models::ModelRules;
use crate::domain::pool::{Member, Target};
use crate::live::example::{account_uid, id, version_uid};
use crate::live::registry::Registry;

fn mapped() -> ModelRules {
    ModelRules {
        map: BTreeMap::from([("m".to_owned(), "m-1".to_owned())]),
        ..ModelRules::default()
    }
}

/// Two accounts, one of which has keys of two kinds.
fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add_account(1, 6, &ModelRules::default());
    registry.add_account(2, 3, &ModelRules::default());
    let kinds = registry.keys.values_mut();
    for key in kinds.filter(|key| key.id.as_str() < "k000002" && key.account_uid == account_uid(1))
    {
        Arc::make_mut(key).models = mapped();
    }
    registry
}

fn names(stretches: impl Iterator<Item = Stretch<'static>>) -> Vec<String> {
    let keys = stretches.flat_map(|stretch| stretch.keys());
    keys.map(|(_, key)| format!("{}/{}", key.account.account.id, key.key.id))
        .collect()
}

#[test]
fn around_the_circle_every_key_comes_once_wherever_it_begins() {
    let mut registry = registry();
    registry.add_pool(1, &[(1, 1), (2, 1)]);
    let pool = Arc::clone(&registry.snapshot().pools[&id("p1")]);
    let tier: &'static Tier = Box::leak(Box::new(pool)).tiers.first().unwrap();
    assert_eq!((tier.count, tier.runs.len()), (9, 3));
    let all = names(tier.around(0));
    for first in 0..9 {
        let mut rotated = all.clone();
        rotated.rotate_left(first);
        assert_eq!(names(tier.around(first)), rotated);
        assert_eq!(names(tier.single(first).into_iter()), [all[first].clone()]);
    }
    assert!(tier.single(9).is_none() && tier.key(9).is_none());
}

#[test]
fn each_key_has_its_own_stretch_of_the_weights() {
    let mut registry = registry();
    registry.add_pool(1, &[(1, 1), (2, 1)]);
    for pool in registry.pools.values_mut() {
        pool.members[1].weight = 5;
    }
    let snapshot = registry.snapshot();
    let tier = &snapshot.pools[&id("p1")].tiers[0];
    assert_eq!(tier.weight, 6 + 3 * 5);
    let indexes: Vec<_> = (0..tier.weight).map(|point| tier.index_at(point)).collect();
    let fives = [6, 7, 8].into_iter().flat_map(|index| [index; 5]);
    assert_eq!(indexes, (0..6).chain(fives).collect::<Vec<_>>());
}

#[test]
fn pools_share_the_keys_of_an_account_and_single_members_stand_together() {
    let mut registry = registry();
    registry.add_pool(1, &[(1, 1)]);
    registry.add_pool(2, &[(1, 1), (2, 1)]);
    registry.add_pool(3, &[]);
    let single: Vec<_> = registry.keys.keys().copied().collect();
    let pools = registry.pools.values_mut();
    for pool in pools.filter(|pool| pool.id == id("p3")) {
        let member = |uid| Member {
            target: Target::Key(uid),
            tier: 1,
            weight: 1,
        };
        pool.members = single.iter().copied().map(member).collect();
    }
    let snapshot = registry.snapshot();
    let run = |pool: &str| Arc::clone(&snapshot.pools[&id(pool)].tiers[0].runs[0].keys);
    assert!(Arc::ptr_eq(&run("p1"), &run("p2")));
    let of_singles = &snapshot.pools[&id("p3")].tiers[0];
    assert_eq!((of_singles.count, of_singles.runs.len()), (9, 3));
}

#[test]
fn a_pool_knows_its_accounts_and_the_versions_that_it_leases() {
    let mut registry = registry();
    registry.add_pool(1, &[(1, 1)]);
    let previous = registry.versions.get_mut(&version_uid(1, 1)).unwrap();
    Arc::make_mut(&mut previous.version).stage = Stage::Previous;
    let snapshot = registry.snapshot();
    let pool = &snapshot.pools[&id("p1")];
    assert!(pool.has_account(&id("a1")) && !pool.has_account(&id("a2")));
    let serves = |account, key| pool.serves(&snapshot.versions[&version_uid(account, key)]);
    assert!(serves(1, 0) && !serves(1, 1) && !serves(2, 0));
    let leased = [
        pool.leased(),
        pool.leased_of(account_uid(1)),
        pool.leased_of(account_uid(2)),
    ];
    // Six keys, of which one has no current version.
    assert_eq!(leased, [5, 5, 0]);
}
