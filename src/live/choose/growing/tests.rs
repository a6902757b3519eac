//! Tests of `growing.rs`.

use std::collections::HashMap;

use super::*;
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::models::ModelRules;
use crate::domain::prices::OperatorPrices;
use crate::domain::refusal::{KeyRefusal, LeaseRefusal};
use crate::live::choose::choose;
use crate::live::example::{NOW, account_uid, id, version_uid, wish};
use crate::live::registry::Registry;
use crate::live::snapshot::Snapshot;

/// One account, all of whose keys have just been found well.
fn recovering(keys: u64) -> Snapshot {
    let mut registry = Registry::default();
    registry.add_account(1, keys, &ModelRules::default());
    registry.add_pool(1, &[(1, 1)]);
    let snapshot = registry.snapshot();
    for key in 0..keys {
        let version = &snapshot.versions[&version_uid(1, key)];
        version.live.told(&Health::Active, Some(NOW.database));
    }
    snapshot
}

#[test]
fn keys_that_grow_back_together_share_evenly() {
    let snapshot = recovering(10);
    let (pool, prices) = (&snapshot.pools[&id("p1")], OperatorPrices::default());
    let mut leases = HashMap::new();
    for _ in 0..2_000 {
        let chosen = choose(pool, &wish(None, &prices), NOW).unwrap();
        *leases.entry(chosen.version.live.uid()).or_insert(0) += 1;
    }
    assert_eq!(leases.len(), 10);
    assert!(
        leases.values().all(|count| (150..=250).contains(count)),
        "{leases:?}"
    );
}

#[test]
fn an_account_that_says_no_is_asked_once_for_all_that_grow_back() {
    let snapshot = recovering(2_000);
    let account = &snapshot.accounts[&account_uid(1)];
    let cause = Cause {
        until: NOW.database.after(Duration::from_mins(5)),
        why: "429".to_owned(),
        class: FailureClass::RateLimit,
        accuser: None,
        tried: None,
        strikes: 0,
    };
    account.live.told("", cause, NOW.database);
    let (pool, prices) = (&snapshot.pools[&id("p1")], OperatorPrices::default());
    let wish = wish(None, &prices);
    // Every key takes one turn in sixteen; most calls find all of them held back.
    for turn in 0..20 {
        pool.tiers[0].turns.store(turn * 100, Ordering::Relaxed);
        let unserved = choose(pool, &wish, NOW).unwrap_err();
        let asked: u32 = unserved.tally.reasons().iter().map(|r| r.count).sum();
        assert!(asked <= 3, "{asked} keys were asked");
        let LeaseRefusal::NoKey(tally, _) = unserved.refusal(&wish, NOW) else {
            panic!("refused for something else");
        };
        let [all] = tally.reasons() else {
            panic!("{tally:?}");
        };
        assert_eq!((all.refusal, all.count), (KeyRefusal::Cooling, 2_000));
    }
}
