//! What reports do to health: dead, well again through a canary; and what they must never do.

use std::time::Duration;

use keylease::proto::{
    self, AdviceAction, BlameScope, FailureClass, HealthPolicy, HealthState, LeaseKeyRequest,
    LeaseKind, TransportFailureKind,
};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::judged::{Peer, brief, health, judged_by, patient, state, trusting, until};
use crate::harness::outcomes::{http, not_sent, success, transport};

#[tokio::test]
async fn a_401_blacklists_the_version_for_a_day_and_is_committed_before_it_is_answered() {
    let (_cluster, admin, caller) = judged_by(trusting()).await;
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
    let (cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
    let peer = Peer::of(&cluster).await;
    for _ in 0..4 {
        let lease = caller.lease("p").await;
        caller.report(&lease, http(418, &[])).await;
        peer.succeeds().await;
    }
    admin.rotate("accounts/a/keys/k", "sk-new").await;
    for _ in 0..4 {
        let lease = caller.lease("p").await;
        let verdict = caller.report(&lease, http(418, &[])).await;
        assert_eq!(state(&verdict), HealthState::Active);
        peer.succeeds().await;
    }
    let lease = caller.lease("p").await;
    caller.report(&lease, http(401, &[])).await;
    admin.rotate("accounts/a/keys/k", "sk-newer").await;
    assert_eq!(caller.lease("p").await.version, 3);
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
