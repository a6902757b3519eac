//! Limits that are lowered to what their provider states, where an account's policy says so: by more than one word, and never up.

use std::time::Duration;

use keylease::proto::{self, LearnedLimitsPolicy};

use crate::harness::client::Client;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::desk::mask;
use crate::harness::setup::{MINUTE, requests};
use crate::harness::stating::{amount_of, hear, learned, stating};

async fn adopts(admin: &Client) {
    let request = proto::UpdateAccountRequest {
        account: Some(proto::Account {
            name: "accounts/a".to_owned(),
            learned_limits: LearnedLimitsPolicy::Adopt.into(),
            ..Default::default()
        }),
        update_mask: mask(&["learned_limits"]),
        ..Default::default()
    };
    admin.admin.clone().update_account(request).await.unwrap();
}

/// Two replicas, each with a caller of an account whose limit of 1,000 follows its provider, and both known to use it.
async fn two_callers() -> (Cluster, Client, [Client; 2]) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(1_000, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    adopts(&admin).await;
    let honest = admin.create_lessee("honest", "p").await;
    let liar = admin.create_lessee("liar", "p").await;
    cluster.settled().await;
    let callers = [
        cluster.client(0, &honest).await,
        cluster.client(1, &liar).await,
    ];
    for caller in &callers {
        hear(caller, "gpt-5", stating(1_000)).await;
    }
    let spenders = async || {
        let count: i64 = sqlx::query_scalar("select count(distinct caller) from spend")
            .fetch_one(&cluster.database.pool)
            .await
            .unwrap();
        count == 2
    };
    eventually("both callers are known", spenders).await;
    (cluster, admin, callers)
}

/// Longer than a flush, and what follows from it.
async fn flushed() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

#[tokio::test]
async fn one_caller_of_several_lowers_nothing() {
    let (_cluster, admin, [_, liar]) = two_callers().await;
    for _ in 0..10 {
        hear(&liar, "gpt-5-mini", stating(2)).await;
    }
    let heard = async || learned(&admin).await.iter().any(|l| l.amount == 2);
    eventually("the lie is stored", heard).await;
    flushed().await;
    assert_eq!(amount_of(&admin, "l1000").await, 1_000);
}

#[tokio::test]
async fn a_policy_lowers_under_load_and_never_raises() {
    let (cluster, admin, callers) = two_callers().await;
    let load = async |caller: &Client| {
        for _ in 0..40 {
            hear(caller, "gpt-5", stating(700)).await;
        }
    };
    tokio::join!(load(&callers[0]), load(&callers[1]));
    let lowered = async || amount_of(&admin, "l1000").await == 700;
    eventually("the limit is lowered", lowered).await;
    // More is a person's word, and less than half of a person's word is nobody else's.
    for (stated, expected) in [(5_000, 700), (20, 500)] {
        for caller in &callers {
            for _ in 0..3 {
                hear(caller, "gpt-5", stating(stated)).await;
            }
        }
        let is_known = |l: &proto::LearnedLimit| l.amount == stated && l.callers == 2;
        let known = async || learned(&admin).await.iter().any(is_known);
        eventually("it is known of both", known).await;
        flushed().await;
        assert_eq!(amount_of(&admin, "l1000").await, expected);
    }
    let audit: Vec<(String, String)> = sqlx::query_as(
        "select caller, summary from audit_records where method = 'AdoptLimit' order by sequence",
    )
    .fetch_all(&cluster.database.pool)
    .await
    .unwrap();
    let expected = [
        "lowered from 1000 to 700, the provider states 700",
        "lowered from 700 to 500, the provider states 20",
    ];
    let said: Vec<&str> = audit.iter().map(|(_, summary)| summary.as_str()).collect();
    assert_eq!(said, expected);
    assert!(audit.iter().all(|(caller, _)| caller == "learned"));
}

/// What nobody else uses has no second witness.
#[tokio::test]
async fn a_caller_that_has_an_account_to_itself_needs_two_leases() {
    let (_cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    admin.create_limit("a", requests(1_000, MINUTE)).await;
    adopts(&admin).await;
    hear(&caller, "gpt-5", stating(800)).await;
    let heard = async || !learned(&admin).await.is_empty();
    eventually("it is stored", heard).await;
    flushed().await;
    assert_eq!(amount_of(&admin, "l1000").await, 1_000);
    hear(&caller, "gpt-5", stating(800)).await;
    let lowered = async || amount_of(&admin, "l1000").await == 800;
    eventually("the second lease confirms it", lowered).await;
}
