//! Calls that never reach a method are refused as well as all others: with a reason, the bound, and what to do.

use keylease::proto::lease_service_client::LeaseServiceClient;
use keylease::proto::{HealthState, LeaseKeyRequest, LeaseKeyResponse, ReportOutcomeRequest};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::answered;
use crate::harness::refusal::Refusal;

async fn of_one() -> (Cluster, Client) {
    let (cluster, _, caller) = Cluster::serving(&["a"], "p").await;
    (cluster, caller)
}

/// A message of another shape than any method takes, sent there: its first field is a number where a name should be.
async fn sent(caller: &Client, path: &'static str) -> Refusal {
    let mut grpc = Grpc::new(caller.transport.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<prost_types::Duration, LeaseKeyResponse>::default();
    let message = prost_types::Duration {
        seconds: 1,
        nanos: 1,
    };
    let path = PathAndQuery::from_static(path);
    let status = grpc.unary(Request::new(message), path, codec).await;
    Refusal::of(&status.unwrap_err())
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_the_callers_fault() {
    let (_cluster, caller) = of_one().await;
    let refused = sent(&caller, "/keylease.v1.LeaseService/LeaseKey").await;
    let refused = refused.is(Code::InvalidArgument, "MESSAGE_MALFORMED");
    assert!(refused.message.contains("pool"), "{}", refused.message);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_both_sizes() {
    let (_cluster, caller) = of_one().await;
    let huge = LeaseKeyRequest {
        pool: "x".repeat(2 << 20),
        ..Default::default()
    };
    let refused = caller.refused(huge).await;
    let refused = refused.is(Code::OutOfRange, "MESSAGE_TOO_LARGE");
    for part in ["found 2097", "the limit is: 1048576 bytes", "send less"] {
        assert!(refused.message.contains(part), "{}", refused.message);
    }
}

#[tokio::test]
async fn a_report_of_ten_megabytes_is_refused_by_name_and_its_beginning_takes_the_key_out() {
    let (_cluster, caller) = of_one().await;
    let lease = caller.lease("p").await;
    let mut body = r#"{"error":{"code":"invalid_api_key","message":"Incorrect API key"#.to_owned();
    body.push_str(&" provided".repeat(10 << 20 >> 3));
    let huge = reporting(&lease, vec![answered(401, &[], &body)]);
    let refused = Refusal::of(&caller.tell(huge).await.unwrap_err());
    refused.is(Code::OutOfRange, "MESSAGE_TOO_LARGE");
    caller.lease("p").await;
    let verdict = caller.report(&lease, answered(401, &[], &body[..4_096]));
    assert_eq!(verdict.await.health.unwrap().state(), HealthState::Dead);
    let refused = caller.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "KEYS_DEAD");
}

#[tokio::test]
async fn a_method_that_nobody_serves_is_refused_with_a_message() {
    let (_cluster, caller) = of_one().await;
    for path in [
        "/keylease.v1.LeaseService/Nothing",
        "/keylease.v1.NoService/LeaseKey",
    ] {
        let refused = sent(&caller, path).await;
        let refused = refused.is(Code::Unimplemented, "METHOD_UNKNOWN");
        assert!(refused.message.contains("no such method"), "{path}");
    }
}

#[tokio::test]
async fn a_health_check_of_a_service_that_is_not_here_is_told_which_are() {
    let (cluster, _) = of_one().await;
    let address = cluster.replicas[0].address;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut health = HealthClient::new(endpoint.connect().await.unwrap());
    let asked = HealthCheckRequest {
        service: "nobody".to_owned(),
    };
    let check = Refusal::of(&health.check(asked.clone()).await.unwrap_err());
    let watch = Refusal::of(&health.watch(asked).await.unwrap_err());
    for refused in [check, watch] {
        let refused = refused.is(Code::NotFound, "RESOURCE_NOT_FOUND");
        assert!(refused.message.contains("liveness"), "{}", refused.message);
    }
}

#[tokio::test]
async fn a_call_without_a_token_is_told_which_header_to_send() {
    let (cluster, _) = of_one().await;
    let address = cluster.replicas[0].address;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut bare = LeaseServiceClient::new(endpoint.connect().await.unwrap());
    let refused = Refusal::of(&bare.lease_key(of("p")).await.unwrap_err());
    let refused = refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
    assert!(refused.message.contains("no authorization header"));
    let wrong = cluster.client(0, "kl_nobody").await;
    let refused = wrong.refused(of("p")).await;
    let refused = refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
    for part in ["Bearer TOKEN", "ask an administrator for a new one"] {
        assert!(refused.message.contains(part), "{}", refused.message);
    }
}

#[tokio::test]
async fn a_lease_id_that_is_too_long_is_told_the_bound() {
    let (_cluster, caller) = of_one().await;
    let request = ReportOutcomeRequest {
        lease_id: "x".repeat(6_000),
        r#final: true,
        ..Default::default()
    };
    let refused = Refusal::of(&caller.tell(request).await.unwrap_err());
    let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["lease_id"]);
    let bound = "has 6000 bytes, must have at most 5120";
    assert!(refused.message.contains(bound), "{}", refused.message);
}
