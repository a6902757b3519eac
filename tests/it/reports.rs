//! What reports do to health: dead, cooling, well again; and what they must never do.

use std::time::{Duration, SystemTime};

use keylease::proto::{
    self, AdviceAction, BlameScope, FailureClass, HealthPolicy, HealthState, LeaseKeyRequest,
    LeaseKind, Pool, RefusalReason, TransportFailureKind, Verdict,
};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{http, not_sent, success, transport};
use crate::harness::setup::{of_targets, span};

/// A cluster with the pool `p` of the account `a`, whose one key is `k`, judged by this policy.
async fn judged_by(policy: HealthPolicy) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let pool = Pool {
        health_policy: Some(policy),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("p", pool).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

fn brief() -> HealthPolicy {
    let second = span(Duration::from_secs(1));
    HealthPolicy {
        dead_ttl: Some(second),
        unhealthy_ttl: Some(second),
        failure_threshold: 2,
        ..Default::default()
    }
}

fn state(verdict: &Verdict) -> HealthState {
    verdict.health.as_ref().unwrap().state()
}

/// Waits in line for a lease, as long as one may.
fn patient() -> LeaseKeyRequest {
    LeaseKeyRequest {
        max_wait: Some(span(Duration::from_secs(50))),
        ..of("p")
    }
}

/// What the pool's key is, by the status.
async fn health(admin: &Client) -> proto::Health {
    let status = admin.status("p").await;
    status.keys[0].versions[0].health.clone().unwrap()
}

fn until(health: &proto::Health) -> Duration {
    let until = SystemTime::try_from(health.until.unwrap()).unwrap();
    until.duration_since(SystemTime::now()).unwrap_or_default()
}

#[tokio::test]
async fn a_401_blacklists_the_version_for_a_day_and_is_committed_before_it_is_answered() {
    let (_cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
    let lease = caller.lease("p").await;
    let verdict = caller.report(&lease, http(401, &[])).await;
    assert_eq!(verdict.failure_class(), FailureClass::Credential);
    assert_eq!(verdict.blame(), BlameScope::Key);
    assert_eq!(state(&verdict), HealthState::Dead);
    // The pool has no other key: the same later, when this one may be tried again.
    let advice = verdict.advice.unwrap();
    assert_eq!(advice.action(), AdviceAction::RetrySameLater);
    let health = health(&admin).await;
    assert_eq!(health.state(), HealthState::Dead);
    assert_eq!(health.failure_class(), FailureClass::Credential);
    let lasts = until(&health);
    assert!(lasts > Duration::from_hours(23) && lasts <= Duration::from_hours(24));
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");

    let clear = proto::ClearHealthRequest {
        name: "accounts/a/keys/k".to_owned(),
        ..Default::default()
    };
    let cleared = admin.admin.clone().clear_health(clear).await.unwrap();
    assert_eq!(cleared.into_inner().cleared, 1);
    assert_eq!(caller.lease("p").await.kind(), LeaseKind::Normal);
}

#[tokio::test]
async fn a_late_401_on_a_rotated_version_never_hurts_the_new_one() {
    let (_cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
    let old = caller.lease("p").await;
    admin.rotate("accounts/a/keys/k", "sk-new").await;
    let verdict = caller.report(&old, http(401, &[])).await;
    assert_eq!(state(&verdict), HealthState::Dead);
    let new = caller.lease("p").await;
    assert_eq!((new.version, new.kind()), (2, LeaseKind::Normal));
    assert_eq!(new.credential.clone().unwrap().fields["value"], "sk-new");
    let verdict = caller.report(&new, success()).await;
    assert_eq!(state(&verdict), HealthState::Active);
    let status = admin.status("p").await;
    let versions = status.keys[0].versions.iter();
    let states: Vec<_> = versions
        .map(|version| version.health.as_ref().unwrap().state())
        .collect();
    assert_eq!(states, [HealthState::Active, HealthState::Dead]);
}

#[tokio::test]
async fn a_rotated_key_has_no_past() {
    let (_cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
    for _ in 0..4 {
        let lease = caller.lease("p").await;
        caller.report(&lease, http(418, &[])).await;
    }
    admin.rotate("accounts/a/keys/k", "sk-new").await;
    for _ in 0..4 {
        let lease = caller.lease("p").await;
        let verdict = caller.report(&lease, http(418, &[])).await;
        assert_eq!(state(&verdict), HealthState::Active);
    }
    let lease = caller.lease("p").await;
    caller.report(&lease, http(401, &[])).await;
    admin.rotate("accounts/a/keys/k", "sk-newer").await;
    assert_eq!(caller.lease("p").await.version, 3);
}

#[tokio::test]
async fn a_429_cools_the_account_for_as_long_as_it_says() {
    let hour = SystemTime::now() + Duration::from_hours(1);
    let date = httpdate::fmt_http_date(hour);
    for (name, value, least, most) in [
        ("Retry-After", "120", 110, 120),
        ("retry-after", date.as_str(), 3_500, 3_601),
        ("Retry-After-Ms", "90500", 80, 91),
        // A week is a week.
        ("retry-after", "604800", 604_700, 604_800),
        // Nothing stated, or nothing that can be read: from five seconds on, with up to a quarter of jitter.
        ("retry-after", "soon", 0, 7),
        ("x-other", "120", 0, 7),
    ] {
        let (_cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
        let lease = caller.lease("p").await;
        let verdict = caller.report(&lease, http(429, &[(name, value)])).await;
        assert_eq!(verdict.failure_class(), FailureClass::RateLimit);
        assert_eq!(verdict.blame(), BlameScope::Account);
        // The account cools, not the key.
        assert_eq!(state(&verdict), HealthState::Active);
        let refused = caller.refused(of("p")).await;
        let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
        assert_eq!(refused.count(RefusalReason::Cooling), 1);
        let retry = refused.retry.unwrap().as_secs();
        assert!(
            (least..=most).contains(&retry),
            "{name}: {value} is {retry}"
        );
        let cooldown = admin.status("p").await.keys[0].account_cooldown.clone();
        assert_eq!(cooldown.unwrap().failure_class(), FailureClass::RateLimit);
    }
}

#[tokio::test]
async fn a_cooldown_ends_by_itself() {
    let (_cluster, _admin, caller) = judged_by(HealthPolicy::default()).await;
    let lease = caller.lease("p").await;
    let verdict = caller
        .report(&lease, http(429, &[("retry-after-ms", "900")]))
        .await;
    let advice = verdict.advice.unwrap();
    assert_eq!(advice.action(), AdviceAction::RetrySameLater);
    // Whoever waits in line waits for this too.
    let lease = caller.ask(patient()).await.unwrap();
    assert_eq!(lease.kind(), LeaseKind::Normal);
}

#[tokio::test]
async fn five_unexplained_failures_in_a_row_cool_a_version_and_a_success_begins_anew() {
    let (_cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
    let unexplained = [
        http(418, &[]),
        http(403, &[]),
        transport(TransportFailureKind::Unspecified),
        http(302, &[]),
    ];
    for round in 0..2 {
        for outcome in &unexplained {
            let lease = caller.lease("p").await;
            let verdict = caller.report(&lease, outcome.clone()).await;
            assert_eq!(verdict.failure_class(), FailureClass::Unknown);
            assert_eq!(state(&verdict), HealthState::Active);
        }
        let failures = admin.status("p").await.keys[0].versions[0].consecutive_failures;
        assert_eq!(failures, 4);
        let lease = caller.lease("p").await;
        let last = if round == 0 {
            success()
        } else {
            http(418, &[])
        };
        let verdict = caller.report(&lease, last).await;
        let expected = [HealthState::Active, HealthState::Cooling][round];
        assert_eq!(state(&verdict), expected);
    }
    let health = health(&admin).await;
    assert_eq!(health.failure_class(), FailureClass::Unknown);
    let lasts = until(&health);
    assert!(lasts > Duration::from_mins(28) && lasts <= Duration::from_mins(30));
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_COOLING");
}

#[tokio::test]
async fn what_says_nothing_about_a_key_counts_for_nothing() {
    let (_cluster, admin, caller) = judged_by(brief()).await;
    let outcomes = [400, 404, 405, 409, 413, 415, 422, 431].map(|status| http(status, &[]));
    let cancelled = transport(TransportFailureKind::Cancelled);
    for outcome in outcomes.into_iter().chain([cancelled]) {
        let lease = caller.lease("p").await;
        let verdict = caller.report(&lease, outcome).await;
        assert_eq!(verdict.failure_class(), FailureClass::CallerFault);
        assert_eq!(verdict.blame(), BlameScope::Request);
        assert_eq!(state(&verdict), HealthState::Active);
        let advice = verdict.advice.unwrap();
        assert_eq!(advice.action(), AdviceAction::DoNotRetry);
    }
    // 5xx and timeouts are the provider's, as long as no other key of it succeeds meanwhile.
    let timeout = transport(TransportFailureKind::Timeout);
    for outcome in [http(500, &[]), http(503, &[]), http(529, &[]), timeout] {
        let lease = caller.lease("p").await;
        let verdict = caller.report(&lease, outcome).await;
        assert_eq!(verdict.blame(), BlameScope::Provider);
        assert_eq!(state(&verdict), HealthState::Active);
    }
    let dns = transport(TransportFailureKind::Dns);
    let lease = caller.lease("p").await;
    let verdict = caller.report(&lease, dns).await;
    assert_eq!(verdict.blame(), BlameScope::Egress);
    let status = admin.status("p").await;
    assert_eq!(status.keys_serving, 1);
}

#[tokio::test]
async fn a_key_that_fails_while_its_peers_succeed_is_unhealthy() {
    let (_cluster, admin, caller) = judged_by(brief()).await;
    admin.create_account_and_key("peer").await;
    admin.create_pool("peers", &["peer"]).await;
    let token = admin.create_lessee("other", "peers").await;
    let other = _cluster.client(0, &token).await;
    let first = caller.lease("p").await;
    caller.report(&first, http(500, &[])).await;
    let lease = other.lease("peers").await;
    other.report(&lease, success()).await;
    let second = caller.lease("p").await;
    let verdict = caller.report(&second, http(500, &[])).await;
    assert_eq!(state(&verdict), HealthState::Cooling);
}

#[tokio::test]
async fn a_dead_version_comes_back_through_one_canary() {
    let (_cluster, admin, caller) = judged_by(brief()).await;
    let (before, late) = (caller.lease("p").await, caller.lease("p").await);
    caller.report(&before, http(401, &[])).await;
    let request = LeaseKeyRequest {
        requests: Some(50),
        ..patient()
    };
    let canary = caller.ask(request).await.unwrap();
    assert_eq!((canary.kind(), canary.granted), (LeaseKind::Canary, 1));
    // While it is out nobody else gets one, whatever else is reported.
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    let verdict = caller.report(&late, success()).await;
    assert_eq!(
        state(&verdict),
        HealthState::Dead,
        "a success of before decides nothing"
    );
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    // A canary that was not sent, or says nothing, decides nothing: the next lease is one again.
    caller.report(&canary, not_sent()).await;
    let canary = caller.lease("p").await;
    assert_eq!(canary.kind(), LeaseKind::Canary);
    caller.report(&canary, http(404, &[])).await;
    let canary = caller.lease("p").await;
    assert_eq!(canary.kind(), LeaseKind::Canary);
    // One that is rejected blacklists again.
    let verdict = caller.report(&canary, http(401, &[])).await;
    assert_eq!(state(&verdict), HealthState::Dead);
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    let canary = caller.ask(patient()).await.unwrap();
    assert_eq!(canary.kind(), LeaseKind::Canary);
    let verdict = caller.report(&canary, success()).await;
    assert_eq!(state(&verdict), HealthState::Active);
    assert_eq!(caller.lease("p").await.kind(), LeaseKind::Normal);
    assert_eq!(health(&admin).await.state(), HealthState::Active);
}

#[tokio::test]
async fn an_unhealthy_version_is_back_by_itself() {
    let (_cluster, admin, caller) = judged_by(brief()).await;
    for _ in 0..2 {
        let lease = caller.lease("p").await;
        caller.report(&lease, http(418, &[])).await;
    }
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_COOLING");
    let lease = caller.ask(patient()).await.unwrap();
    assert_eq!(lease.kind(), LeaseKind::Normal);
    let well = async || health(&admin).await.state() == HealthState::Active;
    eventually("the status shows it well", well).await;
}
