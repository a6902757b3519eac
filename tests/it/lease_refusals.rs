//! Every way in which a lease is refused: its code, its reason, what it counts, and when to come back.

use std::time::Duration;

use keylease::proto::{self, Estimate, LeaseKeyRequest, Pool, RefusalReason, UpdateKeyRequest};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::desk::mask;
use crate::harness::outcomes::http;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, member, of_targets, requests, span, tokens};

/// A cluster with the pool `p` of the accounts `a` and `b`, one key each.
async fn of_two() -> (Cluster, Client, Client) {
    Cluster::serving(&["a", "b"], "*").await
}

#[tokio::test]
async fn used_up_limits_say_when_the_first_permit_is_free() {
    let (cluster, admin, caller) = of_two().await;
    for account in ["a", "b"] {
        admin.create_limit(account, requests(1, MINUTE)).await;
    }
    for _ in 0..2 {
        caller.lease("p").await;
    }
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    let retry = refused.retry.unwrap();
    assert!(
        retry > Duration::from_secs(20) && retry < Duration::from_secs(66),
        "{retry:?}"
    );
    assert!(refused.is_quota);
    assert_eq!(
        (refused.count(RefusalReason::Limit), refused.total()),
        (2, 2)
    );
    let lease = refused.lease.unwrap();
    assert!(lease.retry_time.is_some());
    assert_eq!(lease.retry_time, lease.refused[0].retry_time);
    let counted = "keylease_lease_refusals_total{pool=\"p\",reason=\"LIMIT_EXHAUSTED\"}";
    assert_eq!(cluster.replicas[0].metric(counted).await, Some(1.0));
}

#[tokio::test]
async fn cooling_and_dead_keys_are_told_apart_and_the_one_that_clears_first_names_the_refusal() {
    let (_cluster, admin, caller) = of_two().await;
    admin.trust_callers("p").await;
    let (first, second) = (caller.lease("p").await, caller.lease("p").await);
    assert_ne!(first.account, second.account);
    caller.report(&first, http(401, &[])).await;
    caller.report(&second, http(401, &[])).await;
    let refused = caller.refused(of("p")).await;
    let dead = refused.is(Code::ResourceExhausted, "KEYS_DEAD");
    assert_eq!((dead.count(RefusalReason::Dead), dead.total()), (2, 2));
    // All keys of the pool at once: the provider may be to blame, and a canary finds out soon.
    assert!(dead.retry.unwrap() <= MINUTE);

    let (_cluster, admin, caller) = of_two().await;
    admin.trust_callers("p").await;
    let (first, second) = (caller.lease("p").await, caller.lease("p").await);
    caller.report(&first, http(401, &[])).await;
    caller
        .report(&second, http(429, &[("retry-after", "3600")]))
        .await;
    let refused = caller.refused(of("p")).await;
    let mixed = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    assert_eq!(mixed.count(RefusalReason::Dead), 1);
    assert_eq!(mixed.count(RefusalReason::Cooling), 1);
    let retry = mixed.retry.unwrap();
    assert!(retry > Duration::from_secs(3_500) && retry <= Duration::from_secs(3_600));
}

#[tokio::test]
async fn what_a_person_disabled_is_refused_until_it_is_enabled() {
    let (_cluster, admin, caller) = of_two().await;
    admin.disable_key("accounts/a/keys/k").await;
    let request = proto::DisableAccountRequest {
        name: "accounts/b".to_owned(),
        why: "unpaid".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().disable_account(request).await.unwrap();
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::FailedPrecondition, "POOL_DISABLED");
    assert_eq!(refused.count(RefusalReason::Disabled), 2);
    assert_eq!(refused.retry, None);

    let request = proto::EnableAccountRequest {
        name: "accounts/b".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().enable_account(request).await.unwrap();
    assert_eq!(caller.lease("p").await.account, "accounts/b");

    let request = proto::DisablePoolRequest {
        name: "pools/p".to_owned(),
        why: "the bill is under review".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().disable_pool(request).await.unwrap();
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::FailedPrecondition, "POOL_DISABLED");
    assert!(refused.message.contains("the bill is under review"));

    let request = proto::DisableCallerRequest {
        name: "callers/search".to_owned(),
        why: "gone".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().disable_caller(request).await.unwrap();
    let refused = caller.refused(of("p")).await;
    refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
}

#[tokio::test]
async fn where_waiting_does_not_help_there_is_no_retry_info() {
    let (_cluster, admin, caller) = of_two().await;
    admin.create_account("bare", "").await;
    admin.create_pool("without-keys", &["bare"]).await;
    admin.create_pool("empty", &[]).await;
    for pool in ["empty", "without-keys"] {
        let refused = caller.refused(of(pool)).await;
        let refused = refused.is(Code::FailedPrecondition, "POOL_EMPTY");
        assert_eq!((refused.retry, refused.total()), (None, 0));
    }
    let update = UpdateKeyRequest {
        key: Some(proto::Key {
            name: "accounts/a/keys/k".to_owned(),
            model_allow: vec!["gpt-*".to_owned()],
            model_deny: vec!["*-audio".to_owned()],
            ..Default::default()
        }),
        update_mask: mask(&["model_allow", "model_deny"]),
        ..Default::default()
    };
    admin.admin.clone().update_key(update).await.unwrap();
    admin.create_pool("models", &["a"]).await;
    let named = |model: &str| LeaseKeyRequest {
        model: model.to_owned(),
        ..of("models")
    };
    caller.ask(named("gpt-4o")).await.unwrap();
    for model in ["claude", "gpt-4o-audio"] {
        let refused = caller.refused(named(model)).await;
        let refused = refused.is(Code::FailedPrecondition, "MODEL_NOT_SERVED");
        assert_eq!(
            (refused.retry, refused.count(RefusalReason::Model)),
            (None, 1)
        );
    }
}

#[tokio::test]
async fn a_use_that_is_larger_than_a_limit_or_names_no_model_is_refused_for_good() {
    let (_cluster, admin, caller) = of_two().await;
    admin.create_limit("a", tokens(5_000, MINUTE)).await;
    admin.create_pool("small", &["a"]).await;
    let estimated = |input: i64| LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens: input,
            output_tokens_max: 1,
            cost_micros: 0,
        }),
        max_wait: Some(span(Duration::from_secs(50))),
        ..of("small")
    };
    let refused = caller.refused(estimated(5_000)).await;
    let refused = refused.is(Code::FailedPrecondition, "LARGER_THAN_LIMIT");
    assert_eq!(
        (refused.retry, refused.count(RefusalReason::TooLarge)),
        (None, 1)
    );
    caller.ask(estimated(4_999)).await.unwrap();

    let limit = proto::Limit {
        models: vec!["gpt-4o*".to_owned()],
        ..requests(10, MINUTE)
    };
    admin.create_limit("b", limit).await;
    admin.create_pool("per-model", &["b"]).await;
    let refused = caller.refused(of("per-model")).await;
    let refused = refused.is(Code::FailedPrecondition, "MODEL_REQUIRED");
    assert_eq!(
        (refused.retry, refused.count(RefusalReason::ModelRequired)),
        (None, 1)
    );
    let named = LeaseKeyRequest {
        model: "gpt-4o-mini".to_owned(),
        ..of("per-model")
    };
    caller.ask(named).await.unwrap();
}

#[tokio::test]
async fn a_pool_that_does_not_exist_looks_like_one_without_a_grant() {
    let (cluster, admin, _) = of_two().await;
    admin.create_pool("theirs", &["a"]).await;
    let token = admin.create_lessee("ours-only", "ours-*").await;
    let caller = cluster.client(0, &token).await;
    let theirs = caller.ask(of("theirs")).await.unwrap_err();
    let nowhere = caller.ask(of("nowhere")).await.unwrap_err();
    Refusal::of(&theirs).is(Code::PermissionDenied, "POOL_DENIED");
    assert_eq!(theirs.message(), nowhere.message());
    assert_eq!(theirs.details(), nowhere.details());
    // What a caller made up is no label of a metric.
    let metrics = cluster.replicas[0].metrics().await;
    assert!(!metrics.contains("nowhere"), "{metrics}");
    // Administrators have no grant for a pool by that alone.
    let refused = admin.refused(of("theirs")).await;
    refused.is(Code::PermissionDenied, "POOL_DENIED");
}

#[tokio::test]
async fn a_key_that_several_reasons_keep_from_serving_is_counted_once() {
    let (_cluster, admin, caller) = of_two().await;
    admin.create_limit("a", requests(1, MINUTE)).await;
    admin.create_key("b", "other", "sk-b-other").await;
    let pool = Pool {
        members: vec![member("a", 1, 1), member("b", 2, 1)],
        ..of_targets(&[])
    };
    admin.create_pool_of("mixed", pool).await;
    caller.lease("mixed").await;
    let lease = caller.lease("mixed").await;
    caller
        .report(&lease, http(429, &[("retry-after", "1800")]))
        .await;
    admin.disable_key("accounts/b/keys/other").await;
    let refused = caller.refused(of("mixed")).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    assert_eq!(refused.count(RefusalReason::Limit), 1);
    assert_eq!(refused.count(RefusalReason::Cooling), 1);
    assert_eq!(refused.count(RefusalReason::Disabled), 1);
    assert_eq!(refused.total(), 3);
}
