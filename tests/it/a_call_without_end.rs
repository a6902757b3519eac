//! A call whose request never ends. It is among the first tests by its name, since all of it is waiting.

use keylease::proto::{LeaseKeyRequest, LeaseKeyResponse};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use crate::harness::cluster::Cluster;
use crate::harness::refusal::Refusal;

/// The longest that any call may take: a request that never ends has nobody else to end it.
#[tokio::test]
async fn it_is_cut_with_a_reason_and_a_remedy() {
    let (_cluster, _, caller) = Cluster::serving(&["a"], "p").await;
    let mut grpc = Grpc::new(caller.transport.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<LeaseKeyRequest, LeaseKeyResponse>::default();
    let path = PathAndQuery::from_static("/keylease.v1.LeaseService/LeaseKey");
    let endless = Request::new(tokio_stream::pending());
    let cut = grpc.client_streaming(endless, path, codec).await;
    let refused = Refusal::of(&cut.unwrap_err());
    let refused = refused.is(Code::DeadlineExceeded, "DEADLINE");
    for part in ["longer than 1m 15s", "send it again"] {
        assert!(refused.message.contains(part), "{}", refused.message);
    }
}
