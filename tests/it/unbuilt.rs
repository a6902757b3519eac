//! What is not built: refused by the name of its field, with the value it was set to, and what to do instead.

use keylease::proto;
use tonic::{Code, Status};

use crate::harness::client::Client;
use crate::harness::cluster::Cluster;
use crate::harness::refusal::Refusal;

/// A cluster with the pool `p` of one key.
async fn of_one() -> (Cluster, Client, Client) {
    Cluster::serving(&["a"], "*").await
}

/// What a call that asks for what is not built says.
fn said(status: &Status, message: &str) -> Refusal {
    let refused = Refusal::of(status).is(Code::Unimplemented, "NOT_BUILT");
    assert!(refused.message.starts_with(message), "{refused:?}");
    refused
}

#[tokio::test]
async fn methods_are_named_with_what_to_do_instead() {
    let (_cluster, admin, _caller) = of_one().await;
    let moving = proto::MoveKeyRequest::default();
    let status = admin.admin.clone().move_key(moving).await.unwrap_err();
    let refused = said(
        &status,
        "MoveKey is not built yet: create the key in the other account",
    );
    assert!(refused.fields.is_empty());
}
