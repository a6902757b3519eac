//! Every way in which a lease is refused: its code, its reason, what it counts, and when to come back.

use std::time::Duration;

use keylease::proto::{
    self, Estimate, LeaseKeyRequest, LeaseKeyResponse, Pool, RefusalReason, UpdateKeyRequest,
};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::desk::mask;
use crate::harness::outcomes::http;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, member, of_targets, requests, span, tokens};

/// A cluster with the pool `p` of the accounts `a` and `b`, one key each.
async fn of_two() -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    admin.create_pool("p", &["a", "b"]).await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
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
    let counted =
        "keylease_lease_refusals_total{pool=\"p\",reason=\"ERROR_REASON_LIMIT_EXHAUSTED\"}";
    assert_eq!(cluster.replicas[0].metric(counted).await, Some(1.0));
}

#[tokio::test]
async fn cooling_and_dead_keys_are_told_apart_and_the_one_that_clears_first_names_the_refusal() {
    let (_cluster, _admin, caller) = of_two().await;
    let (first, second) = (caller.lease("p").await, caller.lease("p").await);
    assert_ne!(first.account, second.account);
    caller.report(&first, http(401, &[])).await;
    caller.report(&second, http(401, &[])).await;
    let refused = caller.refused(of("p")).await;
    let dead = refused.is(Code::ResourceExhausted, "KEYS_DEAD");
    assert_eq!((dead.count(RefusalReason::Dead), dead.total()), (2, 2));
    assert!(dead.retry.unwrap() > Duration::from_hours(23));

    let (_cluster, _admin, caller) = of_two().await;
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
    assert!(
        !metrics.contains("nowhere") && !metrics.contains("theirs"),
        "{metrics}"
    );
    // Administrators have no grant for a pool by that alone.
    let refused = admin.refused(of("theirs")).await;
    refused.is(Code::PermissionDenied, "POOL_DENIED");
}

#[tokio::test]
async fn what_is_not_built_is_said() {
    let (_cluster, _admin, caller) = of_two().await;
    let cost = Estimate {
        cost_micros: 5,
        ..Default::default()
    };
    for (field, request) in [
        (
            "tags",
            LeaseKeyRequest {
                tags: [("team".to_owned(), "search".to_owned())].into(),
                ..of("p")
            },
        ),
        (
            "request_id",
            LeaseKeyRequest {
                request_id: "r-1".to_owned(),
                ..of("p")
            },
        ),
        (
            "estimate.cost_micros",
            LeaseKeyRequest {
                estimate: Some(cost),
                ..of("p")
            },
        ),
    ] {
        let refused = caller.refused(request).await;
        let refused = refused.is(Code::Unimplemented, "NOT_BUILT");
        assert!(refused.message.contains(field), "{refused:?}");
    }
    let lease = caller.lease("p").await;
    let renew = proto::RenewLeaseRequest {
        lease_id: lease.lease_id,
        lease_duration: None,
    };
    let status = caller.leases.clone().renew_lease(renew).await.unwrap_err();
    Refusal::of(&status).is(Code::Unimplemented, "NOT_BUILT");
}

#[tokio::test]
async fn bad_input_is_refused_by_the_name_of_its_field_and_harms_nobody() {
    let (_cluster, _admin, caller) = of_two().await;
    let huge = "x".repeat(100_000);
    for (field, request) in [
        ("pool", LeaseKeyRequest::default()),
        (
            "pool",
            LeaseKeyRequest {
                pool: huge.clone(),
                ..of("p")
            },
        ),
        (
            "pool",
            LeaseKeyRequest {
                pool: "p".to_owned(),
                ..of("p")
            },
        ),
        ("pool", of("../p")),
        ("pool", of("p/keys/k")),
        (
            "model",
            LeaseKeyRequest {
                model: huge.clone(),
                ..of("p")
            },
        ),
        (
            "model",
            LeaseKeyRequest {
                model: "a\0b".to_owned(),
                ..of("p")
            },
        ),
        (
            "requests",
            LeaseKeyRequest {
                requests: Some(0),
                ..of("p")
            },
        ),
        (
            "requests",
            LeaseKeyRequest {
                requests: Some(i32::MIN),
                ..of("p")
            },
        ),
        (
            "account",
            LeaseKeyRequest {
                account: "a".to_owned(),
                ..of("p")
            },
        ),
        (
            "affinity_key",
            LeaseKeyRequest {
                affinity_key: huge.clone(),
                ..of("p")
            },
        ),
        (
            "retry_token",
            LeaseKeyRequest {
                retry_token: huge.clone(),
                ..of("p")
            },
        ),
        (
            "max_wait",
            LeaseKeyRequest {
                max_wait: Some(span(Duration::from_secs(61))),
                ..of("p")
            },
        ),
        (
            "lease_duration",
            LeaseKeyRequest {
                lease_duration: Some(span(Duration::ZERO)),
                ..of("p")
            },
        ),
    ] {
        let refused = caller.refused(request).await;
        let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, [field]);
        assert!(
            !refused.message.contains("xxx"),
            "{}",
            refused.message.len()
        );
    }
    let nonsense = prost_types::Duration {
        seconds: i64::MIN,
        nanos: i32::MAX,
    };
    let request = LeaseKeyRequest {
        max_wait: Some(nonsense),
        ..of("p")
    };
    let refused = caller.refused(request).await;
    assert_eq!(
        refused.is(Code::InvalidArgument, "FIELD_INVALID").fields,
        ["max_wait"]
    );
    caller.lease("p").await;
}

#[tokio::test]
async fn bytes_that_are_no_request_harm_nobody() {
    let (_cluster, _admin, caller) = of_two().await;
    // A message of another shape: its first field is a number where the pool's name should be.
    let garbage = async |message: prost_types::Duration| {
        let endpoint = PathAndQuery::from_static("/keylease.v1.LeaseService/LeaseKey");
        let mut grpc = Grpc::new(caller.transport.clone());
        grpc.ready().await.unwrap();
        let codec = ProstCodec::<prost_types::Duration, LeaseKeyResponse>::default();
        grpc.unary(Request::new(message), endpoint, codec).await
    };
    let status = garbage(span(MINUTE)).await.unwrap_err();
    assert!(
        [Code::Internal, Code::InvalidArgument].contains(&status.code()),
        "{status:?}"
    );
    // Larger than any message the server takes.
    let huge = LeaseKeyRequest {
        pool: "x".repeat(5 << 20),
        ..Default::default()
    };
    let status = caller.ask(huge).await.unwrap_err();
    assert!(
        [Code::OutOfRange, Code::ResourceExhausted].contains(&status.code()),
        "{status:?}"
    );
    caller.lease("p").await;
}

#[tokio::test]
async fn a_caller_without_a_good_token_is_refused_in_the_same_words() {
    let (cluster, admin, _) = of_two().await;
    let revoked = admin.create_token("search").await;
    let name = revoked.token.clone().unwrap().name;
    let request = proto::RevokeTokenRequest {
        name,
        ..Default::default()
    };
    admin.admin.clone().revoke_token(request).await.unwrap();
    let good = admin.create_token("search").await.text;
    let mut last = good.clone().into_bytes();
    *last.last_mut().unwrap() ^= 1;
    let forged = String::from_utf8(last).unwrap();
    let mut said = Vec::new();
    for token in [
        "",
        "kl_",
        "nonsense",
        &"k".repeat(5_000),
        &revoked.text,
        &forged,
    ] {
        let caller = cluster.client(0, token).await;
        let refused = caller.refused(of("p")).await;
        said.push(refused.is(Code::Unauthenticated, "TOKEN_REJECTED"));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    cluster.client(0, &good).await.lease("p").await;
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
