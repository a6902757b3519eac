//! What is not built: refused by the name of its field, with the value it was set to, and what to do instead.

use keylease::proto::{self, Pool};
use tonic::{Code, Status};

use crate::harness::client::Client;
use crate::harness::cluster::Cluster;
use crate::harness::desk::mask;
use crate::harness::refusal::Refusal;
use crate::harness::setup::of_targets;

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
    let rollback = proto::RollbackKeyRequest::default();
    let status = admin
        .admin
        .clone()
        .rollback_key(rollback)
        .await
        .unwrap_err();
    let refused = said(
        &status,
        "RollbackKey is not built yet: rotate the old secret",
    );
    assert!(refused.fields.is_empty());
}

#[tokio::test]
async fn what_is_stored_and_not_acted_on_is_named_in_the_answer() {
    let (_cluster, admin, _caller) = of_one().await;
    let pool = Pool {
        health_policy: Some(proto::HealthPolicy {
            probe_enabled: true,
            ..Default::default()
        }),
        ..of_targets(&["a"])
    };
    let create = proto::CreatePoolRequest {
        pool_id: "probed".to_owned(),
        pool: Some(pool),
        ..Default::default()
    };
    let answer = admin.admin.clone().create_pool(create).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.unsupported, ["pool.health_policy.probe_enabled"]);
    // What comes back as it was answered, in force by default, is nobody's wish.
    let mut pool = answer.pool.unwrap();
    pool.health_policy.as_mut().unwrap().probe_enabled = false;
    let update = proto::UpdatePoolRequest {
        pool: Some(pool.clone()),
        update_mask: mask(&["health_policy"]),
        ..Default::default()
    };
    let answer = admin.admin.clone().update_pool(update).await.unwrap();
    assert!(answer.into_inner().unsupported.is_empty());
    pool.health_policy.as_mut().unwrap().probe_enabled = true;
    let imported = proto::ImportedPool {
        pool_id: "imported".to_owned(),
        pool: Some(pool),
    };
    let import = proto::ImportKeysRequest {
        pools: vec![imported],
        ..Default::default()
    };
    let answer = admin.admin.clone().import_keys(import).await.unwrap();
    let unsupported = answer.into_inner().unsupported;
    assert_eq!(unsupported, ["pools[0].pool.health_policy.probe_enabled"]);
}
