//! Which key of a pool a lease gets: tiers, strategies, affinity, pins.

use std::collections::HashMap;
use std::time::Duration;

use keylease::proto::{LeaseKeyRequest, Limit, Pool, SelectionStrategy};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::setup::{MINUTE, member, of_targets, requests, span};

/// A cluster whose administrator has made these accounts, each with one key, and a lessee of all pools.
async fn with_accounts(accounts: &[&str]) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    for account in accounts {
        admin.create_account_and_key(account).await;
    }
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

/// The accounts of so many leases, one after the other.
async fn leased(caller: &Client, pool: &str, count: usize) -> Vec<String> {
    let mut accounts = Vec::new();
    for _ in 0..count {
        accounts.push(account_of(&caller.lease(pool).await.account));
    }
    accounts
}

fn account_of(name: &str) -> String {
    name.strip_prefix("accounts/").unwrap().to_owned()
}

fn counted(accounts: &[String]) -> HashMap<&str, usize> {
    accounts.iter().fold(HashMap::new(), |mut counts, account| {
        *counts.entry(account.as_str()).or_default() += 1;
        counts
    })
}

fn of_strategy(strategy: SelectionStrategy, members: Vec<keylease::proto::PoolMember>) -> Pool {
    Pool {
        strategy: strategy.into(),
        members,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_tier_is_used_only_when_the_one_before_it_has_nothing() {
    let (_cluster, admin, caller) = with_accounts(&["a", "b", "c"]).await;
    admin.create_limit("a", requests(2, MINUTE)).await;
    let pool = Pool {
        members: vec![member("c", 3, 1), member("a", 1, 1), member("b", 2, 1)],
        ..Default::default()
    };
    admin.create_pool_of("p", pool).await;
    assert_eq!(leased(&caller, "p", 4).await, ["a", "a", "b", "b"]);
    admin.disable_key("accounts/b/keys/k").await;
    assert_eq!(leased(&caller, "p", 2).await, ["c", "c"]);
}

#[tokio::test]
async fn keys_take_turns_also_in_a_tier_that_is_not_the_first() {
    let (_cluster, admin, caller) = with_accounts(&["a", "b", "c"]).await;
    admin.create_pool("p", &["a", "b", "c"]).await;
    let counts = leased(&caller, "p", 9).await;
    assert_eq!(
        counted(&counts),
        HashMap::from([("a", 3), ("b", 3), ("c", 3)])
    );
    let pool = Pool {
        members: vec![member("a", 1, 1), member("b", 2, 1), member("c", 2, 1)],
        ..Default::default()
    };
    admin.create_pool_of("backed", pool).await;
    admin.disable_key("accounts/a/keys/k").await;
    let counts = leased(&caller, "backed", 8).await;
    assert_eq!(counted(&counts), HashMap::from([("b", 4), ("c", 4)]));
}

#[tokio::test]
async fn keys_take_turns_also_where_each_lease_waits_for_its_permits() {
    let (_cluster, admin, caller) = with_accounts(&["a", "b"]).await;
    for account in ["a", "b"] {
        // Blocks that are over as soon as they are used: every lease has to ask the database.
        let limit = Limit {
            block_validity: Some(span(Duration::from_millis(1_500))),
            ..requests(1, Duration::from_secs(3_600))
        };
        admin
            .create_limit(
                account,
                Limit {
                    amount: 100,
                    ..limit
                },
            )
            .await;
    }
    admin.create_pool("p", &["a", "b"]).await;
    let mut accounts = Vec::new();
    for _ in 0..4 {
        accounts.extend(leased(&caller, "p", 1).await);
        // And have gone back: a row that is locked for that would be answered later than the other.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(counted(&accounts), HashMap::from([("a", 2), ("b", 2)]));
}

#[tokio::test]
async fn weights_share_out_a_tier() {
    let (_cluster, admin, caller) = with_accounts(&["a", "b"]).await;
    let members = vec![member("a", 1, 1), member("b", 1, 3)];
    let pool = of_strategy(SelectionStrategy::Weighted, members);
    admin.create_pool_of("p", pool).await;
    let accounts = leased(&caller, "p", 40).await;
    let often = counted(&accounts)["b"];
    assert!((28..=32).contains(&often), "{often} of 40, expected 30");
}

#[tokio::test]
async fn the_least_used_key_catches_up() {
    let (_cluster, admin, caller) = with_accounts(&["a", "b", "c"]).await;
    admin.create_pool("only-a", &["a"]).await;
    leased(&caller, "only-a", 4).await;
    let members = of_targets(&["a", "b", "c"]).members;
    let pool = of_strategy(SelectionStrategy::LeastUsed, members);
    admin.create_pool_of("p", pool).await;
    let accounts = leased(&caller, "p", 8).await;
    assert_eq!(counted(&accounts), HashMap::from([("b", 4), ("c", 4)]));
    let accounts = leased(&caller, "p", 3).await;
    assert_eq!(
        counted(&accounts),
        HashMap::from([("a", 1), ("b", 1), ("c", 1)])
    );
}

#[tokio::test]
async fn affinity_is_the_same_on_every_replica_and_moves_only_what_must_move() {
    let mut cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    let accounts = ["a", "b", "c", "d"];
    for account in accounts {
        admin.create_account_and_key(account).await;
    }
    admin.create_pool("p", &accounts).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.add().await;
    let first = cluster.client(0, &token).await;
    let second = cluster.client(1, &token).await;
    let values: Vec<String> = (0..24).map(|n| format!("session-{n}")).collect();
    let before = preferred(&first, &values).await;
    assert_eq!(preferred(&first, &values).await, before);
    assert_eq!(preferred(&second, &values).await, before);
    assert!(counted(&before).len() >= 3, "{before:?}");

    let gone = before[0].clone();
    admin.disable_key(&format!("accounts/{gone}/keys/k")).await;
    let after = preferred(&first, &values).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before == after, *before != gone);
    }
}

async fn preferred(caller: &Client, values: &[String]) -> Vec<String> {
    let mut accounts = Vec::new();
    for value in values {
        let request = LeaseKeyRequest {
            affinity_key: value.clone(),
            ..of("p")
        };
        let lease = caller.ask(request).await.unwrap();
        accounts.push(account_of(&lease.account));
    }
    accounts
}

#[tokio::test]
async fn a_pinned_account_fails_rather_than_move() {
    let (_cluster, admin, caller) = with_accounts(&["a", "b", "outside"]).await;
    admin.create_limit("b", requests(1, MINUTE)).await;
    admin.create_pool("p", &["a", "b"]).await;
    let pinned = |account: &str| LeaseKeyRequest {
        account: format!("accounts/{account}"),
        ..of("p")
    };
    let lease = caller.ask(pinned("b")).await.unwrap();
    assert_eq!(lease.account, "accounts/b");
    let refused = caller.refused(pinned("b")).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    assert!(refused.retry.is_some());
    // An account that does not exist looks like one that is not in the pool.
    let outside = caller.refused(pinned("outside")).await;
    let outside = outside.is(Code::FailedPrecondition, "ACCOUNT_NOT_IN_POOL");
    assert_eq!(caller.refused(pinned("nowhere")).await, outside);
}
