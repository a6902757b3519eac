//! ExplainLease: the key that is explained is the one that LeaseKey leases, and nothing is changed by asking.

use std::collections::BTreeMap;
use std::time::Duration;

use keylease::proto::{self, LeaseKeyRequest, Pool, SelectionStrategy};

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::explained::of_key;
use crate::harness::judged::brief;
use crate::harness::outcomes::http;
use crate::harness::setup::{MINUTE, member, of_targets, requests};

/// A cluster with accounts of one key each, and a lessee of all pools.
async fn of_three() -> (Cluster, Client, Client) {
    Cluster::serving(&["a", "b", "c"], "*").await
}

#[tokio::test]
async fn the_explained_choice_is_the_one_that_is_leased_by_every_strategy() {
    let (_cluster, admin, caller) = of_three().await;
    admin.create_account_and_key("d").await;
    for (name, strategy) in [
        ("turns", SelectionStrategy::RoundRobin),
        ("weights", SelectionStrategy::Weighted),
        ("used", SelectionStrategy::LeastUsed),
    ] {
        let pool = Pool {
            strategy: strategy.into(),
            members: vec![
                member("a", 1, 1),
                member("b", 1, 3),
                member("c", 1, 2),
                member("d", 2, 1),
            ],
            ..Default::default()
        };
        admin.create_pool_of(name, pool).await;
        let mut chosen = BTreeMap::new();
        for _ in 0..12 {
            let told = caller.agrees(&of(name)).await;
            assert_eq!(told.strategy(), strategy);
            *chosen.entry(told.chosen).or_insert(0) += 1;
        }
        assert_eq!(chosen.len(), 3, "{name}: {chosen:?}");
    }
    // Without those of the first tier, the backup follows.
    for account in ["a", "b", "c"] {
        admin
            .disable_key(&format!("accounts/{account}/keys/k"))
            .await;
    }
    let told = caller.agrees(&of("used")).await;
    assert_eq!(told.chosen, "accounts/d/keys/k");
    let tiers: Vec<_> = told.keys.iter().map(|key| (key.tier, key.rank)).collect();
    assert_eq!(tiers, [(1, 0), (1, 0), (1, 0), (2, 1)]);
}

#[tokio::test]
async fn places_say_who_follows_if_the_choice_fails() {
    let (_cluster, admin, caller) = of_three().await;
    caller.lease("p").await;
    let told = caller.explain(&of("p")).await;
    let places: Vec<_> = told
        .keys
        .iter()
        .map(|key| (key.key.as_str(), key.rank))
        .collect();
    let keys = [
        "accounts/b/keys/k",
        "accounts/c/keys/k",
        "accounts/a/keys/k",
    ];
    assert_eq!(places, [(keys[0], 1), (keys[1], 2), (keys[2], 3)]);
    assert!(told.keys[0].reasons[0].starts_with("chosen: its turn in tier 1"));
    assert_eq!(of_key(&told, keys[2]).recent_uses, 1);
    admin.disable_key(keys[0]).await;
    assert_eq!(caller.agrees(&of("p")).await.chosen, keys[1]);
}

#[tokio::test]
async fn permits_that_nobody_holds_yet_are_looked_up_and_used_up_ones_refuse() {
    let (cluster, admin, caller) = of_three().await;
    for account in ["a", "b", "c"] {
        admin.create_limit(account, requests(2, MINUTE)).await;
    }
    let told = caller.explain(&of("p")).await;
    assert!(told.keys.iter().all(|key| key.eligible), "{told:#?}");
    let limit = &told.limits[0];
    assert_eq!(
        (limit.needed, limit.at_hand, limit.remaining),
        (1, 0, Some(2))
    );
    assert!(told.keys[0].reasons[0].contains("the database is asked, which has them"));
    // Every answer agrees, from the first permit to the refusal.
    loop {
        let told = caller.agrees(&of("p")).await;
        if told.chosen.is_empty() {
            assert_eq!(told.reason(), proto::ErrorReason::LimitExhausted);
            let limit = &told.limits[0];
            assert_eq!(limit.reason(), proto::RefusalReason::Limit);
            assert!(
                limit.description.contains("allows 2 requests in any 1m"),
                "{limit:#?}"
            );
            assert!(limit.free_time.is_some());
            break;
        }
    }
    // Counted where they are given: of an answer that time has overtaken the lease counts, too.
    let given = "keylease_leases_total{pool=\"p\"}";
    assert_eq!(cluster.replicas[0].metric(given).await, Some(6.0));
}

/// What 1,000 explanations must leave as it is, besides the turns.
async fn figures(cluster: &Cluster) -> (Vec<String>, Vec<String>) {
    let query = "select concat_ws(' ', l.limit_uid, l.grant_number, l.last_high, l.last_low, l.claim_units,
            (select concat_ws(' ', count(*), sum(b.units)) from limit_blocks b where b.limit_uid = l.limit_uid)) from limit_ledgers l order by 1";
    let ledger = sqlx::query_scalar(query).fetch_all(&cluster.database.pool);
    let page = cluster.replicas[0].metrics().await;
    let counted = ["keylease_lease", "keylease_units", "keylease_outcomes"];
    let lines = page
        .lines()
        .filter(|line| counted.iter().any(|name| line.starts_with(name)));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    (ledger.await.unwrap(), lines)
}

/// The same once what was in hand is given back and counted, and whoever was dead for a second is so no more.
async fn settled(cluster: &Cluster) -> (Vec<String>, Vec<String>) {
    let mut before = figures(cluster).await;
    loop {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let now = figures(cluster).await;
        if now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_explanations_change_nothing() {
    let (cluster, admin, caller) = of_three().await;
    for account in ["ill", "x", "y"] {
        admin.create_account_and_key(account).await;
    }
    admin.create_pool("limited", &["x", "y"]).await;
    let ill = Pool {
        health_policy: Some(brief()),
        ..of_targets(&["ill"])
    };
    admin.create_pool_of("ill", ill).await;
    let dies = caller.lease("ill").await;
    caller.report(&dies, http(401, &[])).await;
    for account in ["x", "y"] {
        admin
            .create_limit(account, requests(100, MINUTE * 60))
            .await;
    }
    for account in ["x", "y"] {
        let lease = caller.lease("limited").await;
        assert_eq!(lease.account, format!("accounts/{account}"));
    }
    // Turns, permits and counters are somewhere: b is next.
    assert_eq!(caller.lease("p").await.key, "accounts/a/keys/k");
    let before = settled(&cluster).await;
    assert_eq!(before.0.len(), 2);
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let caller = caller.clone();
        askers.spawn(async move {
            for _ in 0..34 {
                let told = caller.explain(&of("p")).await;
                assert_eq!(told.chosen, "accounts/b/keys/k", "{told:#?}");
                let told = caller.explain(&of("limited")).await;
                assert_eq!(told.limits[0].remaining, Some(99), "{told:#?}");
                let told = caller.explain(&of("ill")).await;
                assert!(told.keys[0].canary, "{told:#?}");
            }
        });
    }
    while let Some(asked) = askers.join_next().await {
        asked.unwrap();
    }
    assert_eq!(figures(&cluster).await, before);
    // The turn, and the canary, are still there to be taken.
    assert_eq!(caller.lease("p").await.key, "accounts/b/keys/k");
    let canary = caller.ask(LeaseKeyRequest { ..of("ill") }).await.unwrap();
    assert_eq!(canary.kind(), proto::LeaseKind::Canary);
}
