//! LeaseKey and ReportOutcome, end to end: a real replica, a real provider.

use std::time::Duration;

use keylease::proto::{HealthState, LeaseKeyRequest, LeaseKind};
use stand_in::Limit;
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::{http, success, times, used};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, duration, of_targets, requests, span, tokens};
use crate::harness::upstream::{provider, spend};

const KEY: &str = "sk-acme-00000000000001";

fn generous() -> Limit {
    Limit {
        amount: 1_000,
        window_ms: 60_000,
    }
}

#[tokio::test]
async fn a_lease_is_ready_to_send_and_its_outcome_is_counted() {
    let provider = provider(generous(), &[KEY]).await;
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account("acme", &provider.base_url()).await;
    admin.create_key("acme", "main", KEY).await;
    admin.create_limit("acme", requests(600, MINUTE)).await;
    admin.create_pool("p", &["acme"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;

    let request = LeaseKeyRequest {
        model: "gpt-4o-mini".to_owned(),
        ..of("p")
    };
    let lease = caller.ask(request).await.unwrap();
    assert_eq!(lease.key, "accounts/acme/keys/main");
    assert_eq!(lease.account, "accounts/acme");
    assert_eq!((lease.version, lease.granted), (1, 1));
    assert_eq!(lease.kind(), LeaseKind::Normal);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(lease.lease_id.len() <= 1_024 && lease.lease_id.chars().all(plain));
    // L of this limit, and the wait for the first block on top.
    let start_within = duration(lease.start_within);
    assert!(start_within >= Duration::from_secs(3) && start_within < Duration::from_secs(6));
    let report_within = duration(lease.report_within);
    assert!(report_within >= Duration::from_mins(10) && report_within < Duration::from_mins(11));
    let credential = lease.credential.clone().unwrap();
    assert_eq!(credential.base_url, provider.base_url());
    assert_eq!(credential.model, "gpt-4o-mini");
    assert_eq!(credential.fields["value"], KEY);
    assert_eq!(credential.headers[0].name, "authorization");
    assert_eq!(credential.headers[0].value, format!("Bearer {KEY}"));

    let outcome = spend(&reqwest::Client::new(), &lease).await;
    let verdict = caller.report(&lease, outcome).await;
    assert_eq!(verdict.failure_class, 0);
    assert!(verdict.advice.is_none());
    assert_eq!(verdict.health.unwrap().state(), HealthState::Active);
    assert_eq!(provider.counts().account("acme").unwrap().succeeded, 1);

    let status = admin.status("p").await;
    assert_eq!(status.keys[0].leases, 1);
    assert!(status.keys[0].last_use_time.is_some());
    let given = cluster.replicas[0].metric("keylease_leases_total{pool=\"p\"}");
    assert_eq!(given.await, Some(1.0));
}

/// A cluster with the pool `p` of the account `a`, and its administrator, who may lease too.
async fn with_pool() -> (Cluster, Client, Client) {
    Cluster::serving(&["a"], "*").await
}

#[tokio::test]
async fn a_batch_is_granted_as_a_whole_or_in_part_and_reported_in_parts() {
    let (_cluster, admin, caller) = with_pool().await;
    let batch = |requests: i32| LeaseKeyRequest {
        requests: Some(requests),
        ..of("p")
    };
    let unlimited = caller.ask(batch(1_000)).await.unwrap();
    assert_eq!(unlimited.granted, 1_000);
    admin.create_limit("a", requests(1_000, MINUTE)).await;
    let lease = caller.ask(batch(10)).await.unwrap();
    assert_eq!(lease.granted, 10);
    // More than the limit allows in one window: as much as there is, and never nothing.
    let part = caller.ask(batch(1_000)).await.unwrap();
    assert!((1..=990).contains(&part.granted), "{}", part.granted);

    let mut report = reporting(&lease, vec![times(3, success()), http(400, &[])]);
    let first = caller.tell(report.clone()).await.unwrap();
    assert_eq!((first.verdicts.len(), first.duplicate), (2, false));
    let again = caller.tell(report.clone()).await.unwrap();
    assert_eq!((again.verdicts.len(), again.duplicate), (2, true));
    report.sequence = 1;
    report.outcomes = vec![times(7, success())];
    let status = caller.tell(report.clone()).await.unwrap_err();
    let refused = Refusal::of(&status).is(Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["outcomes"]);
    report.outcomes = vec![times(5, success())];
    assert!(!caller.tell(report.clone()).await.unwrap().duplicate);
    // No more will come: the use that is not reported counts as started.
    report.sequence = 2;
    report.outcomes.clear();
    report.r#final = true;
    assert!(!caller.tell(report.clone()).await.unwrap().duplicate);
    // Then a new report finds no use left, which is something else than one that comes again.
    report.sequence = 3;
    report.outcomes = vec![success()];
    let late = caller.tell(report.clone()).await.unwrap();
    assert_eq!((late.duplicate, late.exhausted), (false, true));
    report.sequence = 1;
    let again = caller.tell(report).await.unwrap();
    assert_eq!((again.duplicate, again.exhausted), (true, false));
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_the_call_asks_or_else_as_its_pool_says() {
    let (_cluster, admin, caller) = with_pool().await;
    let pool = keylease::proto::Pool {
        lease_duration: Some(span(Duration::from_secs(90))),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("short", pool).await;
    let of_pool = caller.lease("short").await;
    let lasts = duration(of_pool.report_within).as_secs();
    assert!((90..100).contains(&lasts), "{lasts}");
    let asked = LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_secs(5))),
        ..of("short")
    };
    let lasts = duration(caller.ask(asked).await.unwrap().report_within).as_secs();
    assert!((5..15).contains(&lasts), "{lasts}");
}

#[tokio::test]
async fn a_lease_takes_from_every_limit_of_its_account_or_from_none() {
    let (_cluster, admin, caller) = with_pool().await;
    admin.create_limit("a", requests(100, MINUTE)).await;
    admin.create_limit("a", tokens(2_500, MINUTE)).await;
    // The pool's default estimate is 2,000 tokens: one fits, and a second does not, though requests are left.
    let lease = caller.lease("p").await;
    let refused = caller.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    caller.report(&lease, used(200, 100)).await;
    // What was estimated and not used is given back.
    let waiting = LeaseKeyRequest {
        max_wait: Some(span(Duration::from_secs(20))),
        ..of("p")
    };
    caller.ask(waiting).await.unwrap();
    let status = admin.status("p").await;
    let charged = |amount: i64| {
        let limit = status.limits.iter().find(|limit| limit.amount == amount);
        limit.unwrap().charged
    };
    // The refused call took nothing: of requests, two blocks at most hold what two leases took and what a refill keeps ready.
    assert!(charged(2_500) <= 2_500, "{status:?}");
    assert!((2..=100).contains(&charged(100)), "{status:?}");
}
