//! What a refused lease tells by name: the limits that say no with their bounds, what cools down or is disabled and why, and what to do.

use keylease::proto::{self, Estimate, LeaseKeyRequest, RefusalReason, RefusedKeys};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::http;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, requests, tokens};

/// A cluster with the pool `p` of the account `a`, which has one key, and a lessee.
async fn of_one() -> (Cluster, Client, Client) {
    Cluster::serving(&["a"], "p").await
}

fn only(refused: &Refusal, reason: RefusalReason) -> RefusedKeys {
    let lease = refused.lease.as_ref().unwrap();
    let mut refused = lease.refused.iter();
    refused
        .find(|keys| keys.reason() == reason)
        .unwrap()
        .clone()
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn the_limit_that_is_used_up_is_named_with_its_bound_and_the_one_that_is_not_stays_unnamed() {
    let (_cluster, admin, caller) = of_one().await;
    admin.create_limit("a", requests(1, MINUTE)).await;
    admin.create_limit("a", tokens(90_000, MINUTE)).await;
    caller.lease("p").await;
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    let [(limit, description)] = &refused.quotas[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(limit, "accounts/a/limits/l1");
    has(
        description,
        &["1 requests in any 1m", "one use needs 1", "free in "],
    );
    has(
        &refused.message,
        &[
            limit,
            description,
            "wait, or have an administrator raise the limit",
        ],
    );
    // What waits in line is refused in the same words when its time is over.
    let waited = caller.refused(LeaseKeyRequest {
        max_wait: Some(prost_types::Duration {
            seconds: 0,
            nanos: 300_000_000,
        }),
        ..of("p")
    });
    let waited = waited.await.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    assert_eq!(waited.quotas[0].0, *limit);
    assert_eq!(waited.quotas.len(), 1);
}

#[tokio::test]
async fn at_most_ten_limits_are_named() {
    let (_cluster, admin, caller) = of_one().await;
    for amount in 1..=12 {
        admin.create_limit("a", tokens(amount, MINUTE)).await;
    }
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::FailedPrecondition, "LARGER_THAN_LIMIT");
    assert_eq!(refused.quotas.len(), 10);
    has(&refused.message, &["9 more limits in the details"]);
}

#[tokio::test]
async fn a_need_that_never_fits_names_the_limit_the_need_and_the_field() {
    let (_cluster, admin, caller) = of_one().await;
    admin.create_limit("a", tokens(5_000, MINUTE)).await;
    let refused = caller.refused(LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens: 5_001,
            ..Default::default()
        }),
        ..of("p")
    });
    let refused = refused
        .await
        .is(Code::FailedPrecondition, "LARGER_THAN_LIMIT");
    assert_eq!(refused.fields, ["estimate"]);
    let (limit, description) = &refused.quotas[0];
    assert_eq!(limit, "accounts/a/limits/l5000");
    has(
        description,
        &["5000 tokens in any 1m", "one use needs 5001"],
    );

    let limit = proto::Limit {
        models: vec!["gpt-4o*".to_owned()],
        ..requests(10, MINUTE)
    };
    admin.create_limit("a", limit).await;
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::FailedPrecondition, "MODEL_REQUIRED");
    assert_eq!(refused.fields, ["model"]);
    let (limit, description) = &refused.quotas[0];
    assert_eq!(
        (limit.as_str(), refused.quotas.len()),
        ("accounts/a/limits/l10", 1)
    );
    has(
        description,
        &["of models gpt-4o*", "the call names no model"],
    );
}

#[tokio::test]
async fn a_frozen_limit_says_why_and_until_when() {
    let (cluster, admin, caller) = of_one().await;
    admin.create_limit("a", requests(100, MINUTE)).await;
    caller.lease("p").await;
    let freeze =
        "update limit_ledgers set frozen_until = clock_timestamp() + interval '50 seconds'";
    let frozen = sqlx::query(freeze).execute(&cluster.database.pool).await;
    assert_eq!(frozen.unwrap().rows_affected(), 1);
    // What was reserved before is handed out until its block ends.
    let refused = loop {
        match caller.ask(of("p")).await {
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            Err(status) => break Refusal::of(&status),
        }
    };
    let refused = refused.is(Code::ResourceExhausted, "LIMITS_FROZEN");
    assert_eq!(refused.quotas[0].0, "accounts/a/limits/l100");
    has(
        &refused.quotas[0].1,
        &["frozen for ", "the database lost writes"],
    );
    has(
        &refused.message,
        &["nothing to do but wait", "Failover in the README"],
    );
}

#[tokio::test]
async fn what_cools_down_or_is_dead_is_named_with_the_rule_and_the_end() {
    let (_cluster, _admin, caller) = of_one().await;
    let lease = caller.lease("p").await;
    caller
        .report(&lease, http(429, &[("retry-after", "3600")]))
        .await;
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    has(
        &refused.message,
        &[
            "(accounts/a until 20",
            "rate_limit (http 429",
            "clear the health",
        ],
    );
    let cooling = only(&refused, RefusalReason::Cooling);
    assert_eq!(cooling.resource, "accounts/a");
    has(&cooling.why, &["http 429"]);

    let (_cluster, _admin, caller) = of_one().await;
    let lease = caller.lease("p").await;
    caller.report(&lease, http(401, &[])).await;
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_DEAD");
    has(
        &refused.message,
        &[
            "(accounts/a/keys/k until 20",
            "credential (http 401",
            "rotate",
        ],
    );
    let dead = only(&refused, RefusalReason::Dead);
    assert_eq!(dead.resource, "accounts/a/keys/k");
    has(&dead.why, &["http 401"]);
}

#[tokio::test]
async fn what_is_disabled_says_why_until_when_and_whom_to_ask() {
    let (_cluster, admin, caller) = of_one().await;
    let until = Some(prost_types::Timestamp {
        seconds: 4_102_444_800,
        nanos: 0,
    });
    let request = proto::DisableAccountRequest {
        name: "accounts/a".to_owned(),
        why: "unpaid".to_owned(),
        until,
        ..Default::default()
    };
    admin.admin.clone().disable_account(request).await.unwrap();
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::FailedPrecondition, "POOL_DISABLED");
    has(
        &refused.message,
        &[
            "(accounts/a until 2100-01-01T00:00:00Z: unpaid)",
            "ask an operator",
        ],
    );
    assert_eq!(only(&refused, RefusalReason::Disabled).why, "unpaid");

    let request = proto::DisablePoolRequest {
        name: "pools/p".to_owned(),
        why: "under review".to_owned(),
        until,
        ..Default::default()
    };
    admin.admin.clone().disable_pool(request).await.unwrap();
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::FailedPrecondition, "POOL_DISABLED");
    has(
        &refused.message,
        &[
            "until 2100-01-01T00:00:00Z: under review",
            "ask an operator",
        ],
    );
    let pool = "pools/p".to_owned();
    let request = proto::GetStatusRequest { pool };
    let status = admin.admin.clone().get_status(request).await.unwrap();
    let status = status.into_inner().status.unwrap();
    let of_pool = status.disablement.unwrap();
    assert_eq!(
        (of_pool.reason.as_str(), of_pool.by.as_str()),
        ("under review", "callers/admin")
    );
    let of_key = status.keys[0].disablement.as_ref().unwrap();
    assert_eq!(
        (of_key.reason.as_str(), of_key.by.as_str()),
        ("unpaid", "callers/admin")
    );
}
