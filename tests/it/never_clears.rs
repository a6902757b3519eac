//! A refusal promises no time at which the same call would still be refused.

use keylease::proto::{self, Estimate, LeaseKeyRequest, RefusalReason};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::http;
use crate::harness::setup::{MINUTE, tokens};

fn too_large() -> LeaseKeyRequest {
    LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens: 5_001,
            ..Default::default()
        }),
        ..of("p")
    }
}

#[tokio::test]
async fn a_need_larger_than_a_limit_is_told_before_what_ends_by_itself() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    for account in ["a", "b", "c"] {
        admin.create_account_and_key(account).await;
        admin.create_limit(account, tokens(5_000, MINUTE)).await;
    }
    admin.create_pool("p", &["a", "b", "c"]).await;
    admin.trust_callers("p").await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    // One is disabled for a time, one is dead, and one cools down.
    for outcome in [http(401, &[]), http(429, &[("retry-after", "60")])] {
        let lease = caller.lease("p").await;
        caller.report(&lease, outcome).await;
    }
    let last = caller.lease("p").await;
    let request = proto::DisableKeyRequest {
        name: last.key,
        why: "audit".to_owned(),
        until: Some(prost_types::Timestamp {
            seconds: 4_102_444_800,
            nanos: 0,
        }),
        ..Default::default()
    };
    admin.admin.clone().disable_key(request).await.unwrap();
    cluster.settled().await;
    let refused = caller.refused(too_large()).await;
    let refused = refused.is(Code::FailedPrecondition, "LARGER_THAN_LIMIT");
    assert_eq!(refused.count(RefusalReason::TooLarge), 3);
    assert_eq!(
        (refused.total(), refused.retry, refused.quotas.len()),
        (3, None, 3)
    );
    // What fits is told when it can come back.
    let refused = caller.refused(of("p")).await;
    assert!(
        refused
            .is(Code::ResourceExhausted, "KEYS_COOLING")
            .retry
            .is_some()
    );
}
