//! What cools down, for how long, and how it comes back: accounts that were rate-limited, and versions that fail in a row.

use std::time::{Duration, SystemTime};

use keylease::proto::{
    AdviceAction, BlameScope, FailureClass, HealthPolicy, HealthState, LeaseKind, Outcome,
    RefusalReason, TransportFailureKind,
};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::judged::{Peer, brief, health, judged_by, patient, state, trusting, until};
use crate::harness::outcomes::{answered, http, success, transport};

#[tokio::test]
async fn a_429_cools_the_account_for_as_long_as_it_says() {
    let hour = SystemTime::now() + Duration::from_hours(1);
    let date = httpdate::fmt_http_date(hour);
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    for (number, (name, value, least, most)) in [
        ("Retry-After", "120", 110, 120),
        ("retry-after", date.as_str(), 3_500, 3_601),
        ("Retry-After-Ms", "90500", 80, 91),
        // A week is a week.
        ("retry-after", "604800", 604_700, 604_800),
        // Nothing stated, or nothing that can be read: from five seconds on, with up to a quarter of jitter.
        ("retry-after", "soon", 4, 7),
        ("x-other", "120", 4, 7),
        ("retry-after", "-120", 4, 7),
        ("retry-after", "1e30", 4, 7),
        ("retry-after", "999999999999", 4, 7),
        // A quarter of a year is cut, and so is what is longer than anybody waits.
        ("retry-after", "999999999", 2_678_300, 2_678_400),
        ("retry-after", "7776000", 2_678_300, 2_678_400),
    ]
    .into_iter()
    .enumerate()
    {
        let pool = format!("p{number}");
        admin.create_account_and_key(&pool).await;
        admin.create_pool(&pool, &[&pool]).await;
        let lease = caller.lease(&pool).await;
        let verdict = caller.report(&lease, http(429, &[(name, value)])).await;
        assert_eq!(verdict.failure_class(), FailureClass::RateLimit);
        assert_eq!(verdict.blame(), BlameScope::Account);
        // The account cools, not the key.
        assert_eq!(state(&verdict), HealthState::Active);
        let refused = caller.refused(of(&pool)).await;
        let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
        assert_eq!(refused.count(RefusalReason::Cooling), 1);
        let retry = refused.retry.unwrap().as_secs();
        assert!(
            (least..=most).contains(&retry),
            "{name}: {value} is {retry}"
        );
        let cooldown = admin.status(&pool).await.keys[0].account_cooldown.clone();
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
async fn what_no_rule_explains_blames_no_key_however_often_it_comes() {
    let (cluster, admin, caller) = judged_by(brief()).await;
    let peer = Peer::of(&cluster).await;
    for outcome in [
        http(403, &[]),
        http(304, &[]),
        answered(403, &[], r#"{"message":"Not on Sundays"}"#),
        transport(TransportFailureKind::Unspecified),
    ] {
        for _ in 0..6 {
            let lease = caller.lease("p").await;
            let verdict = caller.report(&lease, outcome.clone()).await;
            assert_ne!(verdict.blame(), BlameScope::Key);
            assert_eq!(state(&verdict), HealthState::Active);
            peer.succeeds().await;
        }
    }
    let failures = admin.status("p").await.keys[0].versions[0].consecutive_failures;
    assert_eq!(failures, 0);
}

#[tokio::test]
async fn five_failures_in_a_row_that_nobody_can_name_cool_a_version_and_a_success_begins_anew() {
    let (cluster, admin, caller) = judged_by(trusting()).await;
    let peer = Peer::of(&cluster).await;
    for round in 0..2 {
        for _ in 0..4 {
            let lease = caller.lease("p").await;
            let verdict = caller.report(&lease, http(418, &[])).await;
            peer.succeeds().await;
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

/// How a key is that fails like this again after a peer of it has succeeded.
async fn failing_alone(outcome: Outcome) -> HealthState {
    let trusting = HealthPolicy {
        verdicts: trusting().verdicts,
        ..brief()
    };
    let (cluster, _admin, caller) = judged_by(trusting).await;
    let peer = Peer::of(&cluster).await;
    let first = caller.lease("p").await;
    caller.report(&first, outcome.clone()).await;
    peer.succeeds().await;
    let second = caller.lease("p").await;
    state(&caller.report(&second, outcome).await)
}

#[tokio::test]
async fn a_key_that_fails_while_its_peers_succeed_is_unhealthy_and_one_whose_caller_waits_no_longer_is_not()
 {
    let fault = http(500, &[]);
    assert_eq!(failing_alone(fault).await, HealthState::Cooling);
    let impatient = transport(TransportFailureKind::Timeout);
    assert_eq!(failing_alone(impatient).await, HealthState::Active);
}

#[tokio::test]
async fn an_unhealthy_version_by_one_callers_word_is_back_by_its_canary() {
    let (cluster, admin, caller) = judged_by(brief()).await;
    let peer = Peer::of(&cluster).await;
    for _ in 0..2 {
        let lease = caller.lease("p").await;
        caller.report(&lease, http(418, &[])).await;
        peer.succeeds().await;
    }
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    let lease = caller.ask(patient()).await.unwrap();
    assert_eq!(lease.kind(), LeaseKind::Canary);
    caller.report(&lease, success()).await;
    let well = async || health(&admin).await.state() == HealthState::Active;
    eventually("the status shows it well", well).await;
}
