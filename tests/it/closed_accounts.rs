//! Two callers who say of two keys of one account that it is closed confirm each other.

use std::time::Duration;

use keylease::proto::{FailureClass, HealthState, LeaseKeyResponse};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::judged::state;
use crate::harness::outcomes::answered;

const CLOSED: &str = r#"{"error":{"message":"This key is associated with a deactivated account.","code":"account_deactivated"}}"#;

/// A lease of another key than this.
async fn beside(caller: &Client, key: &str) -> LeaseKeyResponse {
    loop {
        let lease = caller.lease("p").await;
        if lease.key != key {
            return lease;
        }
    }
}

/// A cluster with one account of three keys in the pool `p`, which two callers have found closed, and their tokens.
async fn closed() -> (Cluster, Client, [String; 2]) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    for key in ["l", "m"] {
        admin.create_key("a", key, &format!("sk-{key}")).await;
    }
    admin.create_pool("p", &["a"]).await;
    let tokens = [
        admin.create_lessee("first", "p").await,
        admin.create_lessee("second", "p").await,
    ];
    let first = cluster.client(0, &tokens[0]).await;
    let second = cluster.client(0, &tokens[1]).await;
    let one = first.lease("p").await;
    let other = beside(&second, &one.key).await;
    let again = beside(&first, &one.key).await;
    let closed = answered(401, &[], CLOSED);
    let verdict = first.report(&one, closed.clone()).await;
    assert!(verdict.health.unwrap().unconfirmed);
    // The same caller says no more by saying so of another key.
    let verdict = first.report(&again, closed.clone()).await;
    assert!(verdict.health.unwrap().unconfirmed);
    assert!(admin.status("p").await.keys[0].account_cooldown.is_none());
    let verdict = second.report(&other, closed).await;
    assert_eq!(state(&verdict), HealthState::Dead);
    assert!(!verdict.health.unwrap().unconfirmed);
    let cooldown = admin.status("p").await.keys[0].account_cooldown.clone();
    assert_eq!(cooldown.unwrap().failure_class(), FailureClass::Credential);
    for caller in [&first, &second] {
        assert!(caller.ask(of("p")).await.is_err());
    }
    (cluster, admin, tokens)
}

#[tokio::test]
async fn two_callers_who_say_so_of_two_keys_close_an_account() {
    let (cluster, _admin, tokens) = closed().await;
    let caller = cluster.client(0, &tokens[0]).await;
    let refused = caller.refused(of("p")).await;
    let retry = refused.retry.unwrap();
    assert!(
        retry > Duration::from_secs(3_000) && retry <= Duration::from_secs(4_500),
        "{retry:?}"
    );
}

#[tokio::test]
async fn a_closed_account_comes_back_by_a_single_lease() {
    let (mut cluster, admin, tokens) = closed().await;
    for key in ["x", "y"] {
        admin.create_key("a", key, &format!("sk-{key}")).await;
    }
    // An hour later, for whoever has not heard of it before.
    sqlx::query("update cooldowns set tried_time = clock_timestamp() - interval '1 second'")
        .execute(&cluster.database.pool)
        .await
        .unwrap();
    cluster.add().await;
    cluster.settled().await;
    let third = admin.create_lessee("third", "p").await;
    cluster.settled().await;
    let callers = [
        cluster.client(1, &third).await,
        cluster.client(1, &tokens[0]).await,
    ];
    let trial = callers[0].lease("p").await;
    for caller in &callers {
        let refused = caller.refused(of("p")).await;
        let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
        assert!(refused.retry.unwrap() <= Duration::from_secs(121));
    }
    // It is closed still, by one word now.
    callers[0].report(&trial, answered(401, &[], CLOSED)).await;
    let refused = callers[1].refused(of("p")).await;
    assert!(refused.retry.unwrap() > Duration::from_secs(3_600));
    let cooldown = admin.status("p").await.keys[0].account_cooldown.clone();
    assert_eq!(cooldown.unwrap().failure_class(), FailureClass::Credential);
}
