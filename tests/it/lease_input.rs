//! What is malformed, and who may not call: refused by name, and harming nobody.

use std::time::Duration;

use keylease::proto::{self, LeaseKeyRequest, LeaseKeyResponse};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::setup::{MINUTE, span};

/// A cluster with the pool `p` of one key.
async fn of_one() -> (Cluster, Client, Client) {
    Cluster::serving(&["a"], "*").await
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of bad input")]
async fn bad_input_is_refused_by_the_name_of_its_field_and_harms_nobody() {
    let (_cluster, _admin, caller) = of_one().await;
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
    let (_cluster, _admin, caller) = of_one().await;
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
    let (cluster, admin, _) = of_one().await;
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
