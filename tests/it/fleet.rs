//! Two replicas on one database: what one of them learns, the other knows after a poll, and each report counts once over both.

use keylease::proto::{self, HealthState, LeaseKeyRequest, LeaseKind};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually, eventually_some};
use crate::harness::judged::{Peer, brief};
use crate::harness::outcomes::{http, not_sent, success, times};
use crate::harness::setup::{MINUTE, of_targets, requests, secret};

/// Two replicas, the pool `p` of the account `a`, and a caller's clients of both.
async fn of_two() -> (Cluster, Client, [Client; 2]) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "*").await;
    cluster.settled().await;
    let callers = [
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    ];
    (cluster, admin, callers)
}

#[tokio::test]
async fn a_verdict_by_a_report_elsewhere_binds_both() {
    let (cluster, _admin, [first, second]) = of_two().await;
    let lease = first.lease("p").await;
    let verdict = second.report(&lease, http(401, &[])).await;
    assert_eq!(verdict.health.unwrap().state(), HealthState::Dead);
    second
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    cluster.settled().await;
    first
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
}

#[tokio::test]
async fn failures_in_a_row_are_counted_by_the_issuer_wherever_they_are_reported() {
    let (cluster, admin, [first, second]) = of_two().await;
    let peer = Peer::of(&cluster).await;
    // Each takes its time to the issuer, which blames the key once the peer has succeeded after one.
    let cooling = async || {
        if let Ok(lease) = first.ask(of("p")).await {
            second.report(&lease, http(500, &[])).await;
        }
        peer.succeeds().await;
        admin.status("p").await.keys_dead == 1
    };
    eventually("the issuer's verdict is stored", cooling).await;
    for caller in [&first, &second] {
        let cools = async || caller.ask(of("p")).await.is_err();
        eventually("neither leases it", cools).await;
        caller
            .refused(of("p"))
            .await
            .is(Code::ResourceExhausted, "KEYS_DEAD");
    }
}

#[tokio::test]
async fn permits_go_back_to_their_issuer_and_a_use_is_settled_once() {
    let (_cluster, admin, [first, second]) = of_two().await;
    admin.create_account_and_key("b").await;
    admin.create_limit("a", requests(20, MINUTE)).await;
    admin.create_limit("b", requests(30, MINUTE)).await;
    admin.create_pool("other", &["b"]).await;
    let batch = |pool: &str| LeaseKeyRequest {
        requests: Some(4),
        ..of(pool)
    };
    let lease = first.ask(batch("p")).await.unwrap();
    let used = i64::from(lease.granted);
    first
        .tell(reporting(&lease, vec![times(lease.granted, success())]))
        .await
        .unwrap();
    // The other replica does not know that, and takes it along; the issuer knows.
    let not_sent_at_all = vec![times(lease.granted, not_sent())];
    second
        .tell(reporting(&lease, not_sent_at_all))
        .await
        .unwrap();
    // What is reported there later arrives later.
    let marker = first.ask(batch("other")).await.unwrap();
    let unused = vec![times(marker.granted, not_sent())];
    second.tell(reporting(&marker, unused)).await.unwrap();
    let returned = async || charged(&admin, "other").await == 0;
    eventually("the marker's permits are back", returned).await;
    let settled = async || charged(&admin, "p").await == used;
    eventually("the uses are charged", settled).await;
}

async fn charged(admin: &Client, pool: &str) -> i64 {
    admin.status(pool).await.limits[0].charged
}

#[tokio::test]
async fn what_an_administrator_says_to_one_replica_binds_the_other_after_a_poll() {
    let (cluster, admin, [_, second]) = of_two().await;
    admin.rotate("accounts/a/keys/k", "sk-new").await;
    cluster.settled().await;
    let lease = second.lease("p").await;
    assert_eq!(
        (
            lease.version,
            lease.credential.unwrap().fields["value"].as_str()
        ),
        (2, "sk-new")
    );
    admin.disable_key("accounts/a/keys/k").await;
    cluster.settled().await;
    second
        .refused(of("p"))
        .await
        .is(Code::FailedPrecondition, "POOL_DISABLED");
    let request = proto::ListTokensRequest {
        parent: "callers/search".to_owned(),
        ..Default::default()
    };
    let tokens = admin.admin.clone().list_tokens(request).await.unwrap();
    let request = proto::RevokeTokenRequest {
        name: tokens.into_inner().tokens[0].name.clone(),
        ..Default::default()
    };
    admin.admin.clone().revoke_token(request).await.unwrap();
    cluster.settled().await;
    second
        .refused(of("p"))
        .await
        .is(Code::Unauthenticated, "TOKEN_REJECTED");
}

#[tokio::test]
async fn an_outcome_is_counted_once_over_both() {
    let (cluster, _admin, [first, second]) = of_two().await;
    let leases = [first.lease("p").await, first.lease("p").await];
    // At the same moment: neither knows of the other's.
    tokio::join!(
        first.report(&leases[0], success()),
        second.report(&leases[0], success())
    );
    second.report(&leases[1], http(429, &[])).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let mut counted = 0.0;
    for replica in &cluster.replicas {
        let page = replica.metrics().await;
        let outcomes = page
            .lines()
            .filter(|line| line.starts_with("keylease_outcomes_total{"));
        counted += outcomes
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum::<f64>();
    }
    assert!((counted - 2.0).abs() < 0.1, "{counted} outcomes of 2");
}

#[tokio::test]
async fn what_is_reported_of_a_revoked_version_still_counts_for_its_account() {
    let (_cluster, admin, [first, _]) = of_two().await;
    let lease = first.lease("p").await;
    let rotate = proto::RotateKeyRequest {
        name: lease.key.clone(),
        secret: Some(secret("sk-next")),
        revoke_previous_now: true,
        ..Default::default()
    };
    admin.admin.clone().rotate_key(rotate).await.unwrap();
    first
        .report(&lease, http(429, &[("retry-after", "30")]))
        .await;
    let refused = first.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
}

#[tokio::test]
async fn a_key_that_fails_alone_is_found_by_its_issuer_wherever_its_peers_succeed() {
    let (cluster, admin, [first, second]) = of_two().await;
    admin.create_account_and_key("peer").await;
    admin.create_pool("peers", &["peer"]).await;
    cluster.settled().await;
    // The first failure begins to count, others make it unhealthy. All are leased before: the verdict may come after the last but one.
    let mut uses = Vec::new();
    for _ in 0..6 {
        uses.push((first.lease("peers").await, first.lease("p").await));
    }
    assert_eq!(admin.status("p").await.keys_cooling, 0);
    for (peer, lease) in uses {
        second.report(&lease, http(500, &[])).await;
        second.report(&peer, success()).await;
    }
    let accused = async || admin.status("p").await.keys_dead == 1;
    eventually("the issuer's verdict is stored", accused).await;
    assert_eq!(admin.status("peers").await.keys_dead, 0);
}

#[tokio::test]
async fn a_canary_that_decided_nothing_elsewhere_is_followed_by_another() {
    let (cluster, admin, [first, second]) = of_two().await;
    let brief = proto::Pool {
        health_policy: Some(brief()),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("brief", brief).await;
    cluster.settled().await;
    let lease = first.lease("brief").await;
    first.report(&lease, http(401, &[])).await;
    let canary = async || {
        let lease = first.ask(of("brief")).await.ok()?;
        assert_eq!(lease.kind(), LeaseKind::Canary);
        Some(lease)
    };
    let lease = eventually_some("a canary goes out", canary).await;
    second.report(&lease, http(404, &[])).await;
    eventually_some("another one goes out", canary).await;
}
