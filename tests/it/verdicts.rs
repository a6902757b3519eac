//! What a failure is blamed on decides what stops: a request, a key, an account, one of its models, or nothing.

use std::time::Duration;

use keylease::proto::{
    AdviceAction, BlameScope, FailureClass, HealthPolicy, HealthState, LeaseKeyRequest, Pool,
    RefusalReason, VerdictPolicy,
};
use serde_json::json;
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::judged::{judged_by, state};
use crate::harness::outcomes::{answered as failed, success};
use crate::harness::setup::of_targets;

fn told(message: &str, code: &str) -> String {
    json!({"error": {"message": message, "type": "invalid_request_error", "code": code}})
        .to_string()
}

fn for_model(model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        ..of("p")
    }
}

/// How long a lease is refused because something cools.
async fn cools(caller: &Client, request: LeaseKeyRequest) -> Duration {
    let refused = caller.refused(request).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    assert_eq!(refused.count(RefusalReason::Cooling), 1);
    refused.retry.unwrap()
}

#[tokio::test]
async fn a_budget_of_one_model_cools_that_model_alone() {
    let (_cluster, _admin, caller) = judged_by(HealthPolicy::default()).await;
    let lease = caller.ask(for_model("big")).await.unwrap();
    let message = "Rate limit reached for big in organization org-1 on tokens per min (TPM): Limit 3, Used 3, Requested 1. Please try again in 90s.";
    let outcome = failed(429, &[], &told(message, "rate_limit_exceeded"));
    let verdict = caller.report(&lease, outcome).await;
    assert_eq!(verdict.failure_class(), FailureClass::RateLimit);
    assert_eq!(verdict.blame(), BlameScope::AccountModel);
    assert_eq!(state(&verdict), HealthState::Active);
    let left = cools(&caller, for_model("big")).await;
    assert!(left > Duration::from_secs(60) && left <= Duration::from_secs(90));
    caller.ask(for_model("small")).await.unwrap();
}

#[tokio::test]
async fn a_spent_month_is_not_tried_again_in_a_minute() {
    let (_cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
    let lease = caller.lease("p").await;
    let body = told("Your credit balance is too low.", "invalid_request_error");
    let outcome = failed(400, &[("retry-after", "5")], &body);
    let verdict = caller.report(&lease, outcome).await;
    assert_eq!(verdict.failure_class(), FailureClass::Quota);
    assert_eq!(verdict.blame(), BlameScope::Account);
    let left = cools(&caller, of("p")).await;
    assert!(left > Duration::from_mins(59), "{left:?}");
    let cooldown = admin.status("p").await.keys[0].account_cooldown.clone();
    assert!(cooldown.unwrap().why.contains("quota/"));
}

#[tokio::test]
async fn a_model_that_is_not_there_is_excluded_and_nothing_else() {
    let (_cluster, _admin, caller) = judged_by(HealthPolicy::default()).await;
    let gone = || {
        failed(
            404,
            &[],
            &told(
                "The model `x` does not exist or you do not have access to it.",
                "model_not_found",
            ),
        )
    };
    let lease = caller.ask(for_model("x")).await.unwrap();
    let verdict = caller.report(&lease, gone()).await;
    assert_eq!(verdict.failure_class(), FailureClass::ModelAccess);
    // No other account is left to ask.
    let advice = verdict.advice.unwrap();
    assert_eq!(advice.action(), AdviceAction::DoNotRetry);
    assert!(cools(&caller, for_model("x")).await > Duration::from_mins(59));
    // A lease that names no model says nothing about models.
    let lease = caller.lease("p").await;
    caller.report(&lease, gone()).await;
    caller.lease("p").await;
}

#[tokio::test]
async fn what_is_not_the_keys_fault_takes_no_key() {
    let (_cluster, _admin, caller) = judged_by(HealthPolicy::default()).await;
    for (status, body, class, blame) in [
        (
            403,
            "<html><title>Just a moment...</title></html>",
            FailureClass::RegionOrEgress,
            BlameScope::Egress,
        ),
        (
            429,
            "error code: 1015",
            FailureClass::RateLimit,
            BlameScope::Egress,
        ),
        (
            429,
            "{\"error\":{\"type\":\"engine_overloaded_error\",\"message\":\"busy now\"}}",
            FailureClass::ProviderFault,
            BlameScope::Provider,
        ),
        (
            401,
            "{\"error\":{\"message\":\"You didn't provide an API key.\"}}",
            FailureClass::CallerFault,
            BlameScope::Request,
        ),
        (
            200,
            "data: {\"error\":{\"code\":503,\"message\":\"overloaded now\"}}\n\n",
            FailureClass::ProviderFault,
            BlameScope::Provider,
        ),
    ] {
        let lease = caller.lease("p").await;
        let verdict = caller.report(&lease, failed(status, &[], body)).await;
        assert_eq!(verdict.failure_class(), class, "{body}");
        assert_eq!(verdict.blame(), blame, "{body}");
        assert_eq!(state(&verdict), HealthState::Active);
    }
    caller.lease("p").await;
}

#[tokio::test]
async fn a_200_with_nothing_wrong_in_it_is_a_success() {
    let (_cluster, _admin, caller) = judged_by(HealthPolicy::default()).await;
    let lease = caller.lease("p").await;
    let body = "{\"choices\":[{\"message\":{\"content\":\"insufficient_quota\"}}]}";
    let verdict = caller.report(&lease, failed(200, &[], body)).await;
    assert_eq!(verdict.failure_class(), FailureClass::Unspecified);
    assert!(verdict.advice.is_none());
}

#[tokio::test]
async fn a_keys_own_budget_leaves_its_peers_alone_on_every_replica() {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin
        .create_account("r", "https://openrouter.ai/api/v1")
        .await;
    for key in ["a", "b"] {
        admin.create_key("r", key, &format!("sk-{key}")).await;
    }
    admin.create_pool("p", &["r"]).await;
    let token = admin.create_lessee("search", "p").await;
    let (first, second) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    cluster.settled().await;
    let lease = first.lease("p").await;
    let body = "{\"error\":{\"code\":402,\"message\":\"More credits are required. Visit https://openrouter.ai/settings/keys and raise the limit\"}}";
    // Reported where the lease was not given.
    let verdict = second.report(&lease, failed(402, &[], body)).await;
    assert_eq!(verdict.failure_class(), FailureClass::Quota);
    assert_eq!(verdict.blame(), BlameScope::Key);
    assert_eq!(state(&verdict), HealthState::Cooling);
    cluster.settled().await;
    for caller in [&first, &second] {
        for _ in 0..4 {
            let other = caller.lease("p").await;
            assert_ne!(other.key, lease.key);
            caller.report(&other, success()).await;
        }
    }
}

/// A report that the account of the key is closed, from the pool `p` of an account with two keys, whose callers are trusted or not.
async fn closed_account(verdicts: VerdictPolicy) -> (Cluster, Client, keylease::proto::Verdict) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account("c", "https://api.openai.com/v1").await;
    for key in ["a", "b"] {
        admin.create_key("c", key, &format!("sk-{key}")).await;
    }
    let policy = HealthPolicy {
        verdicts: verdicts.into(),
        ..Default::default()
    };
    let pool = Pool {
        health_policy: Some(policy),
        ..of_targets(&["c"])
    };
    admin.create_pool_of("p", pool).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let lease = caller.lease("p").await;
    let body = told(
        "This key is associated with a deactivated account.",
        "account_deactivated",
    );
    let verdict = caller.report(&lease, failed(401, &[], &body)).await;
    assert_eq!(verdict.failure_class(), FailureClass::Credential);
    assert_eq!(verdict.blame(), BlameScope::Account);
    assert_eq!(state(&verdict), HealthState::Dead);
    (cluster, caller, verdict)
}

#[tokio::test]
async fn a_closed_account_takes_all_its_keys() {
    let (_cluster, caller, _) = closed_account(VerdictPolicy::Trust).await;
    assert!(caller.ask(of("p")).await.is_err());
}

#[tokio::test]
async fn one_callers_word_closes_no_account() {
    let (_cluster, caller, verdict) = closed_account(VerdictPolicy::Confirm).await;
    assert!(verdict.health.unwrap().unconfirmed);
    let other = caller.ask(of("p")).await.unwrap();
    assert_eq!(other.key, "accounts/c/keys/b");
}
