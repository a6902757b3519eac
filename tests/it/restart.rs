//! Nothing that was answered is lost when a replica ends, and one that is asked to end does so cleanly.

use std::time::Duration;

use keylease::proto::{self, HealthState, LeaseKeyRequest};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{http, not_sent, success, times};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, requests, span};

/// In which a replica that was asked to end has ended, by its manual; the drain delay of these tests is none.
const END_WITHIN: Duration = Duration::from_secs(30);

async fn nothing_acknowledged_is_lost(signal: &str) {
    let mut cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    for account in ["rotated", "dead", "disabled", "cooling"] {
        admin.create_account_and_key(account).await;
        admin.create_pool(account, &[account]).await;
    }
    let token = admin.create_lessee("search", "*").await;
    let revoked = admin.create_token("search").await;
    let caller = cluster.client(0, &token).await;
    let dead = caller.lease("dead").await;
    let cooling = caller.lease("cooling").await;
    let before = caller.lease("rotated").await;
    admin.rotate("accounts/rotated/keys/k", "sk-new").await;
    admin.disable_key("accounts/disabled/keys/k").await;
    let request = proto::RevokeTokenRequest {
        name: revoked.token.unwrap().name,
        ..Default::default()
    };
    admin.admin.clone().revoke_token(request).await.unwrap();
    caller.report(&dead, http(401, &[])).await;
    caller
        .report(&cooling, http(429, &[("retry-after", "3600")]))
        .await;
    // At once after the last answer.
    let ended = cluster.replicas[0].end(signal).await;
    assert_eq!(ended.status.success(), signal == "-TERM");

    cluster.replicas.clear();
    cluster.add().await;
    let caller = cluster.client(0, &token).await;
    let lease = caller.lease("rotated").await;
    assert_eq!(
        (
            lease.version,
            lease.credential.unwrap().fields["value"].as_str()
        ),
        (2, "sk-new")
    );
    caller
        .refused(of("dead"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    caller
        .refused(of("cooling"))
        .await
        .is(Code::ResourceExhausted, "KEYS_COOLING");
    caller
        .refused(of("disabled"))
        .await
        .is(Code::FailedPrecondition, "POOL_DISABLED");
    let refused = cluster
        .client(0, &revoked.text)
        .await
        .refused(of("rotated"))
        .await;
    refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
    // A lease of the replica that is no more can be reported all the same, and means the version it was given with.
    let verdict = caller.report(&before, http(401, &[])).await;
    assert_eq!(verdict.health.unwrap().state(), HealthState::Dead);
    caller.lease("rotated").await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_sigterm() {
    nothing_acknowledged_is_lost("-TERM").await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_sigkill() {
    nothing_acknowledged_is_lost("-KILL").await;
}

/// A cluster with the pool `p`, whose one account may make `amount` requests a minute.
async fn limited_to(amount: i64, replicas: usize) -> (Cluster, Client, String) {
    let cluster = Cluster::of(replicas).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(amount, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    (cluster, admin, token)
}

#[tokio::test]
async fn calls_that_wait_end_with_a_word_when_the_replica_drains() {
    let (mut cluster, admin, token) = limited_to(1, 1).await;
    let caller = cluster.client(0, &token).await;
    caller.lease("p").await;
    let waiting = LeaseKeyRequest {
        max_wait: Some(span(Duration::from_secs(50))),
        ..of("p")
    };
    let asked: Vec<_> = (0..3)
        .map(|_| {
            let (caller, request) = (caller.clone(), waiting.clone());
            tokio::spawn(async move { caller.ask(request).await })
        })
        .collect();
    let stand = async || admin.status("p").await.waiting == 3;
    eventually("three wait", stand).await;
    let ended = cluster.replicas[0].end("-TERM").await;
    assert!(ended.status.success(), "{:?}", ended.status);
    assert!(ended.took < END_WITHIN, "{:?}", ended.took);
    for asked in asked {
        let status = asked.await.unwrap().unwrap_err();
        let refused = Refusal::of(&status).is(Code::Unavailable, "DRAINING");
        assert!(refused.retry.is_some());
    }
    assert!(!cluster.replicas[0].said().contains("cut off"));
}

#[tokio::test]
async fn what_was_not_used_is_free_for_the_next_replica_at_once() {
    let (mut cluster, _admin, token) = limited_to(40, 1).await;
    let caller = cluster.client(0, &token).await;
    let batch = |requests: i32| LeaseKeyRequest {
        requests: Some(requests),
        ..of("p")
    };
    // Some are used, some are not, and of the block that they came from some were never handed out.
    let used = caller.ask(batch(3)).await.unwrap();
    caller
        .tell(reporting(&used, vec![times(used.granted, success())]))
        .await
        .unwrap();
    let unused = caller.ask(batch(10)).await.unwrap();
    caller
        .tell(reporting(&unused, vec![times(unused.granted, not_sent())]))
        .await
        .unwrap();
    let ended = cluster.replicas[0].end("-TERM").await;
    assert!(
        ended.status.success() && ended.took < END_WITHIN,
        "{:?}",
        ended.took
    );
    assert_eq!(charged(&cluster).await, i64::from(used.granted));

    cluster.replicas.clear();
    cluster.add().await;
    let caller = cluster.client(0, &token).await;
    let mut granted = used.granted;
    while let Ok(lease) = caller.ask(batch(40)).await {
        granted += lease.granted;
    }
    assert_eq!(granted, 40);
}

/// What is charged to all limits.
async fn charged(cluster: &Cluster) -> i64 {
    sqlx::query_scalar("select coalesce(sum(units), 0)::bigint from limit_blocks")
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn reports_for_another_replica_are_not_lost_by_sigterm() {
    let (mut cluster, admin, token) = limited_to(20, 2).await;
    let first = cluster.client(0, &token).await;
    let second = cluster.client(1, &token).await;
    let lease = first.lease("p").await;
    second.report(&lease, not_sent()).await;
    assert!(cluster.replicas[1].end("-TERM").await.status.success());
    let returned = async || admin.status("p").await.limits[0].charged == 0;
    eventually("the permit came back to its issuer", returned).await;
}
