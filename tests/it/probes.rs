//! Probes: who makes them, when, and what comes of what a provider says.

use std::time::Duration;

use keylease::proto::{DisableKeyRequest, HealthState, LeaseKind, ProbeResult};
use tokio::time::sleep;
use tonic::Code;

use crate::harness::asked::{Answer, Asked};
use crate::harness::client::of;
use crate::harness::cluster::eventually;
use crate::harness::judged::{health, until};
use crate::harness::outcomes::{http, success};
use crate::harness::probed::{A_WHILE, Probed};

const KEY: &str = "sk-Canary_Probed_x7Qm2Lw9Zt4Rb1";

#[tokio::test]
async fn what_is_due_is_probed_by_one_replica_of_three() {
    let probed = Probed::start(3, KEY, true).await;
    assert_eq!(probed.provider.times(KEY), 0);
    for times in 1..=3 {
        probed.make_due().await;
        probed.asked(KEY, times).await;
        sleep(A_WHILE).await;
        assert_eq!(probed.provider.times(KEY), times);
    }
    let version = probed.version().await;
    let last = version.last_probe.unwrap();
    assert_eq!(last.result(), ProbeResult::Well);
    // 6 hours is in force: the next one is half of that away at least.
    let next = version.next_probe_time.unwrap().seconds - last.time.unwrap().seconds;
    assert!(next > 3 * 3600 - 5 && next < 10 * 3600, "{next}");
    assert_eq!(version.health.unwrap().state(), HealthState::Active);
}

#[tokio::test]
async fn a_revoked_key_is_probed_at_once_and_stays_dead() {
    let probed = Probed::start(2, KEY, true).await;
    probed.provider.tell(KEY, Answer::invalid());
    let lease = probed.caller.lease("p").await;
    probed.caller.report(&lease, http(401, &[])).await;
    let began = std::time::Instant::now();
    probed.asked(KEY, 1).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let is_confirmed = async || health(&probed.admin).await.why.contains("by a probe");
    eventually("the death is confirmed", is_confirmed).await;
    let dead = health(&probed.admin).await;
    assert_eq!(dead.state(), HealthState::Dead);
    assert!(until(&dead) > Duration::from_hours(23));
    sleep(A_WHILE).await;
    assert_eq!(probed.provider.times(KEY), 1);
    let last = probed.version().await.last_probe.unwrap();
    assert_eq!(last.result(), ProbeResult::Rejected);
}

#[tokio::test]
async fn a_key_that_a_caller_lies_about_is_back_by_a_canary_and_its_provider_is_not_hammered() {
    let probed = Probed::start(2, KEY, true).await;
    let lease = probed.caller.lease("p").await;
    probed.caller.report(&lease, http(401, &[])).await;
    assert_eq!(health(&probed.admin).await.state(), HealthState::Dead);
    let is_back = async || probed.caller.ask(of("p")).await.is_ok_and(is_canary_back);
    eventually("a canary goes out", is_back).await;
    assert_eq!(probed.provider.times(KEY), 1);
    // The same lie again, at once.
    let lease = probed.caller.ask(of("p")).await;
    if let Ok(lease) = lease {
        probed.caller.report(&lease, http(401, &[])).await;
    }
    sleep(A_WHILE).await;
    assert_eq!(probed.provider.times(KEY), 1);
}

fn is_canary_back(lease: keylease::proto::LeaseKeyResponse) -> bool {
    assert_eq!(lease.kind(), LeaseKind::Canary);
    true
}

#[tokio::test]
async fn a_recovered_key_is_back_long_before_its_day_is_over() {
    let probed = Probed::start(1, KEY, true).await;
    probed.provider.tell(KEY, Answer::invalid());
    let lease = probed.caller.lease("p").await;
    probed.caller.report(&lease, http(401, &[])).await;
    let is_confirmed = async || health(&probed.admin).await.why.contains("by a probe");
    eventually("the death is confirmed", is_confirmed).await;
    probed.provider.tell(KEY, Answer::of(200, "{}"));
    probed.make_due().await;
    probed.asked(KEY, 2).await;
    let canary = async || probed.caller.ask(of("p")).await.ok();
    let mut lease = canary().await;
    while lease.is_none() {
        sleep(Duration::from_millis(50)).await;
        lease = canary().await;
    }
    let lease = lease.unwrap();
    assert_eq!(lease.kind(), LeaseKind::Canary);
    assert!(probed.caller.ask(of("p")).await.is_err());
    probed.caller.report(&lease, success()).await;
    let lease = probed.caller.lease("p").await;
    assert_eq!(lease.kind(), LeaseKind::Normal);
}

#[tokio::test]
async fn a_redirect_takes_the_key_nowhere() {
    let probed = Probed::start(1, KEY, true).await;
    let elsewhere = Asked::start().await;
    for (times, to) in [(1, &elsewhere), (2, &probed.provider)] {
        let location = format!("http://{}/v1/models", to.address);
        let redirect = Answer {
            headers: vec![("location", location)],
            ..Answer::of(307, "")
        };
        probed.provider.tell(KEY, redirect);
        probed.make_due().await;
        probed.asked(KEY, times).await;
        sleep(A_WHILE).await;
        assert_eq!((probed.provider.all(), elsewhere.all()), (times, 0));
    }
    let version = probed.version().await;
    assert_eq!(version.last_probe.unwrap().result(), ProbeResult::Unclear);
    assert_eq!(version.health.unwrap().state(), HealthState::Active);
}

#[tokio::test]
async fn what_is_not_to_be_probed_is_not() {
    let probed = Probed::start(1, KEY, false).await;
    let lease = probed.caller.lease("p").await;
    probed.caller.report(&lease, http(401, &[])).await;
    sleep(A_WHILE).await;
    assert_eq!(probed.provider.all(), 0);
    assert!(probed.version().await.last_probe.is_none());

    let probed = Probed::start(1, KEY, true).await;
    let disable = DisableKeyRequest {
        name: "accounts/a/keys/k".to_owned(),
        why: "leaked".to_owned(),
        ..Default::default()
    };
    probed
        .admin
        .admin
        .clone()
        .disable_key(disable)
        .await
        .unwrap();
    probed.make_due().await;
    sleep(A_WHILE).await;
    assert_eq!(probed.provider.all(), 0);
    let refused = probed.ask().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("enable it first"), "{refused}");
}

#[tokio::test]
async fn a_spent_budget_cools_and_a_broken_provider_says_nothing() {
    let probed = Probed::start(1, KEY, true).await;
    probed.provider.tell(KEY, Answer::of(503, "busy"));
    probed.make_due().await;
    probed.asked(KEY, 1).await;
    sleep(A_WHILE).await;
    assert_eq!(health(&probed.admin).await.state(), HealthState::Active);
    let spent =
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    probed.provider.tell(KEY, Answer::of(429, spent));
    probed.make_due().await;
    let cools = async || {
        probed.admin.status("p").await.keys[0]
            .account_cooldown
            .is_some()
    };
    eventually("the account cools", cools).await;
    let times = probed.provider.times(KEY);
    probed.make_due().await;
    sleep(A_WHILE).await;
    assert_eq!(probed.provider.times(KEY), times);
}

#[tokio::test]
async fn a_list_that_is_asked_for_too_often_shuts_no_model() {
    let probed = Probed::start(1, KEY, true).await;
    let limited =
        r#"{"error":{"message":"Rate limit reached for requests","code":"rate_limit_exceeded"}}"#;
    let limited = Answer {
        headers: vec![("retry-after", "3600".to_owned())],
        ..Answer::of(429, limited)
    };
    probed.provider.tell(KEY, limited);
    probed.make_due().await;
    let is_told = async || {
        let last = probed.version().await.last_probe;
        last.is_some_and(|last| last.result() == ProbeResult::Spent)
    };
    eventually("the provider says so", is_told).await;
    let status = probed.admin.status("p").await;
    assert_eq!(status.keys[0].account_cooldown, None);
    assert_eq!(health(&probed.admin).await.state(), HealthState::Active);
    probed.caller.lease("p").await;
}

#[tokio::test]
async fn the_claim_of_a_killed_replica_is_taken_over() {
    let mut probed = Probed::start(1, KEY, true).await;
    let slow = Answer {
        after: Duration::from_mins(1),
        ..Answer::invalid()
    };
    probed.provider.tell(KEY, slow);
    probed.make_due().await;
    probed.asked(KEY, 1).await;
    probed.cluster.replicas[0].end("-KILL").await;
    probed.provider.tell(KEY, Answer::invalid());
    probed.cluster.add().await;
    sleep(A_WHILE).await;
    // Nobody touches what is claimed, until the claim is over.
    assert_eq!(probed.provider.times(KEY), 1);
    probed
        .sql("update probes set claimed_until = clock_timestamp()")
        .await;
    probed.asked(KEY, 2).await;
    probed.admin = {
        let token = probed.cluster.admin_token.clone();
        probed.cluster.client(1, &token).await
    };
    let is_dead = async || health(&probed.admin).await.state() == HealthState::Dead;
    eventually("the key is dead", is_dead).await;
}
