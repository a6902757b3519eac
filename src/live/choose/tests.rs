//! Tests of `choose.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::ledger::example::granted;
use crate::domain::ledger::work::{Answer, Wait, Work};
use crate::domain::models::ModelRules;
use crate::domain::refusal::{KeyRefusal, LeaseRefusal, Tally};
use crate::live::account::AccountLive;
use crate::live::example::{NOW, account_uid, id, version_uid, wish};
use crate::live::registry::Registry;
use crate::live::snapshot::Snapshot;

const MANY: u64 = 2_000;

/// What is said to the database about the first limit of an account.
fn said(live: &AccountLive) -> Option<Work> {
    live.look(|budget| budget.work(false, NOW.boot, || 7)).pop()
}

fn tally(refusal: LeaseRefusal) -> Tally {
    let LeaseRefusal::NoKey(tally, _) = refusal else {
        panic!("{refusal:?}");
    };
    tally
}

fn count(tally: &Tally, refusal: KeyRefusal) -> u32 {
    let counted = tally.reasons().iter().find(|c| c.refusal == refusal);
    counted.map_or(0, |counted| counted.count)
}

fn cause(until: Timestamp, class: FailureClass) -> Cause {
    Cause {
        until,
        why: "said".to_owned(),
        class,
        accuser: None,
        tried: None,
        strikes: 0,
    }
}

fn dead(until: Timestamp) -> Health {
    Health::Dead(cause(until, FailureClass::Credential))
}

/// Key of which some are dead for a while and some for good.
fn ailing(snapshot: &Snapshot, account: u64, keys: impl Iterator<Item = u64>) {
    for key in keys {
        let version = &snapshot.versions[&version_uid(account, key)];
        let until = NOW.database.after(Duration::from_secs(key + 1));
        version.live.told(&dead(until), None);
    }
}

#[test]
fn a_call_that_lacks_permits_asks_its_account_once_and_counts_its_keys_when_it_is_refused() {
    let mut registry = Registry::default();
    registry.add_account(1, MANY, &ModelRules::default());
    registry.add_limit(1, 100);
    registry.add_pool(1, &[(1, 1)]);
    let snapshot = registry.snapshot();
    let (pool, prices) = (&snapshot.pools[&id("p1")], OperatorPrices::default());
    let wish = wish(None, &prices);
    let unserved = choose(pool, &wish, NOW).unwrap_err();
    assert_eq!(count(&unserved.tally, KeyRefusal::Limit), 1, "only tried");
    assert_eq!(unserved.short.len(), 1);
    let ask = said(&unserved.short[0]).unwrap().ask.unwrap().ask;
    // Once as demand, and once since it was missed.
    assert_eq!((ask.need, ask.want), (1, 2));
    let tally = tally(unserved.refusal(&wish, NOW));
    assert_eq!(tally.reasons().len(), 1);
    assert_eq!(u64::from(count(&tally, KeyRefusal::Limit)), MANY);
}

#[test]
fn an_account_of_two_tiers_and_of_two_names_of_a_model_is_asked_once_for_each_name() {
    let mapped = |to: &str| ModelRules {
        map: BTreeMap::from([("m".to_owned(), to.to_owned())]),
        ..ModelRules::default()
    };
    let mut registry = Registry::default();
    registry.add_account(1, 5, &mapped("m-1"));
    registry.add_account(2, 5, &mapped("m-2"));
    // Keys of the same account with other rules.
    for key in registry.keys.values_mut() {
        Arc::make_mut(key).account_uid = account_uid(1);
    }
    registry.add_limit(1, 100);
    registry.add_pool(1, &[(1, 1)]);
    registry.add_pool(2, &[(1, 1), (1, 2)]);
    let (snapshot, prices) = (registry.snapshot(), OperatorPrices::default());
    let pool = &snapshot.pools[&id("p1")];
    assert_eq!(pool.tiers[0].runs.len(), 2);
    let wish = wish(Some("m"), &prices);
    let unserved = choose(pool, &wish, NOW).unwrap_err();
    assert_eq!(unserved.short.len(), 1);
    let ask = said(&unserved.short[0]).unwrap().ask.unwrap().ask;
    assert_eq!((ask.need, ask.want), (1, 3));
    assert_eq!(
        count(&tally(unserved.refusal(&wish, NOW)), KeyRefusal::Limit),
        10
    );
}

#[test]
fn what_is_counted_depends_on_no_turn() {
    let mut registry = Registry::default();
    for account in 1..4 {
        registry.add_account(account, 7, &ModelRules::default());
        registry.add_limit(account, 100);
    }
    registry.add_pool(1, &[(1, 1), (2, 1), (3, 2)]);
    let (snapshot, prices) = (registry.snapshot(), OperatorPrices::default());
    // Of the first account some are dead, of the second all.
    ailing(&snapshot, 1, [0, 3, 4].into_iter());
    ailing(&snapshot, 2, 0..7);
    let (pool, wish) = (&snapshot.pools[&id("p1")], wish(None, &prices));
    // The database has said no, so that the second tier is tried.
    for account in [1, 3].map(|account| &snapshot.accounts[&account_uid(account)]) {
        let (live, need) = (&account.live, wish.need);
        let _ = live.take(need, Asking::NOBODY, NOW.boot, |_| {});
        said(live).unwrap();
        refuse(live, &account.limits[0]);
    }
    let tallies = (0..30).map(|turn| {
        pool.tiers[0].turns.store(turn, Ordering::Relaxed);
        let unserved = choose(pool, &wish, NOW).unwrap_err();
        let tally = tally(unserved.refusal(&wish, NOW));
        let of = |refusal| count(&tally, refusal);
        (of(KeyRefusal::Dead), of(KeyRefusal::Limit), tally.retry())
    });
    for tally in tallies {
        let first = NOW.database.after(Duration::from_secs(1));
        assert_eq!(tally, (10, 11, Some(first)));
    }
}

/// The database says no for a minute.
fn refuse(live: &AccountLive, limit: &crate::domain::limit::Limit) {
    let wait = Wait {
        ask_at: NOW.boot.after(Duration::from_mins(1)),
        clears_at: NOW.boot.after(Duration::from_mins(1)),
        ..Wait::default()
    };
    answer(live, limit, 0, wait);
}

fn answer(live: &AccountLive, limit: &crate::domain::limit::Limit, units: u64, wait: Wait) {
    let answer = Answer {
        largest_clears_at: wait.clears_at,
        wait,
        ..granted(limit, 1, units, NOW.boot)
    };
    live.with_budget(|budget| budget.answered(limit.uid, &answer, NOW.boot));
}

#[test]
fn a_canary_waits_for_its_right_and_can_be_sent_later_if_it_gets_no_permits() {
    let mut registry = Registry::default();
    registry.add_account(1, 3, &ModelRules::default());
    let limit = registry.add_limit(1, 100);
    registry.add_pool(1, &[(1, 1)]);
    let (snapshot, prices) = (registry.snapshot(), OperatorPrices::default());
    for key in 0..3 {
        let version = &snapshot.versions[&version_uid(1, key)];
        version.live.told(&dead(NOW.database), None);
    }
    let (pool, wish) = (&snapshot.pools[&id("p1")], wish(None, &prices));
    // The right to each is asked for first.
    let unserved = choose(pool, &wish, NOW).unwrap_err();
    assert!(unserved.is_canary_awaited);
    assert!(unserved.short.is_empty());
    wish.canaries.have_all(NOW.boot);
    let unserved = choose(pool, &wish, NOW).unwrap_err();
    assert_eq!(
        count(&tally(unserved.refusal(&wish, NOW)), KeyRefusal::Limit),
        3
    );
    let live = &snapshot.accounts[&account_uid(1)].live;
    answer(live, &limit, 50, Wait::default());
    for _ in 0..3 {
        let chosen = choose(pool, &wish, NOW).unwrap();
        assert!(chosen.is_canary);
    }
    let unserved = choose(pool, &wish, NOW).unwrap_err();
    assert_eq!(
        count(&tally(unserved.refusal(&wish, NOW)), KeyRefusal::Dead),
        3
    );
}

#[test]
fn an_account_that_cools_down_is_passed_over_as_a_whole() {
    let mut registry = Registry::default();
    registry.add_account(1, MANY, &ModelRules::default());
    registry.add_account(2, 1, &ModelRules::default());
    registry.add_pool(1, &[(1, 1), (2, 1)]);
    let (snapshot, prices) = (registry.snapshot(), OperatorPrices::default());
    let until = NOW.database.after(Duration::from_mins(5));
    let cause = cause(until, FailureClass::RateLimit);
    let account = &snapshot.accounts[&account_uid(1)];
    account.live.told("", cause, NOW.database);
    ailing(&snapshot, 1, 0..1);
    ailing(&snapshot, 2, 0..1);
    let (pool, wish) = (&snapshot.pools[&id("p1")], wish(None, &prices));
    let unserved = choose(pool, &wish, NOW).unwrap_err();
    assert_eq!(count(&unserved.tally, KeyRefusal::Cooling), 1);
    let tally = tally(unserved.refusal(&wish, NOW));
    assert_eq!(u64::from(count(&tally, KeyRefusal::Cooling)), MANY);
    assert_eq!(count(&tally, KeyRefusal::Dead), 1);
}

#[test]
fn an_affinity_key_has_its_first_choice_and_then_each_other_key_once() {
    let mut registry = Registry::default();
    registry.add_account(1, 40, &ModelRules::default());
    registry.add_account(2, 40, &ModelRules::default());
    registry.add_pool(1, &[(1, 1), (2, 1)]);
    let (snapshot, prices) = (registry.snapshot(), OperatorPrices::default());
    let (pool, wish) = (&snapshot.pools[&id("p1")], wish(None, &prices));
    let wish = Wish {
        affinity_key: Some("session-1"),
        ..wish
    };
    let mut chosen = Vec::new();
    while let Ok(next) = choose(pool, &wish, NOW) {
        assert!(!chosen.contains(&next.version.version.meta.uid));
        // Whoever comes next finds it dead.
        next.version
            .live
            .told(&dead(NOW.database.after(Duration::from_mins(1))), None);
        chosen.push(next.version.version.meta.uid);
    }
    assert_eq!(chosen.len(), 80);
    let again: Vec<_> = order(pool, &pool.tiers[0], &wish, 9, NOW.database)
        .flat_map(|stretch| stretch.keys())
        .map(|(_, key)| key.version.as_ref().unwrap().version.meta.uid)
        .collect();
    assert_eq!(chosen, again);
}
