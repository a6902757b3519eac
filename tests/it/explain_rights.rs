//! Who may have what explained, what is refused as bad input, and that no answer holds a secret.

use keylease::proto::{self, ErrorReason, ExplainLeaseRequest, RefusalReason};
use tonic::Code;

use crate::harness::canary::check;
use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::explained::of_key;
use crate::harness::refusal::Refusal;

fn about(pool: &str, caller: &str) -> ExplainLeaseRequest {
    ExplainLeaseRequest {
        pool: format!("pools/{pool}"),
        caller: caller.to_owned(),
        ..Default::default()
    }
}

async fn refused(client: &Client, request: ExplainLeaseRequest) -> Refusal {
    Refusal::of(&client.try_explain(request).await.unwrap_err())
}

/// A cluster with the pools `p` and `q` of an account of one key, and a lessee `search` of `p` alone.
async fn of_two_pools() -> (Cluster, Client, Client) {
    let (cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    admin.create_pool("q", &["a"]).await;
    (cluster, admin, caller)
}

#[tokio::test]
async fn a_lessee_asks_for_itself_and_about_its_own_pools_alone() {
    let (cluster, admin, caller) = of_two_pools().await;
    let told = caller.explain(&of("p")).await;
    assert_eq!(
        (told.caller.as_str(), told.pool.as_str()),
        ("callers/search", "pools/p")
    );
    // By its own name, too.
    let told = caller
        .try_explain(about("p", "callers/search"))
        .await
        .unwrap();
    assert_eq!(told.chosen, "accounts/a/keys/k");
    let other = cluster
        .client(0, &admin.create_lessee("other", "*").await)
        .await;
    for (client, request) in [
        (&other, about("p", "callers/search")),
        (&caller, about("p", "callers/nobody")),
    ] {
        let status = refused(client, request).await;
        let status = status.is(Code::PermissionDenied, "ROLE_MISSING");
        assert!(
            status.message.contains("auditor, operator or admin"),
            "{status:?}"
        );
    }
    // What exists is told to nobody who may not use it.
    let (there, nowhere) = (about("q", ""), about("nowhere", ""));
    let (there, nowhere) = (
        refused(&caller, there).await,
        refused(&caller, nowhere).await,
    );
    assert_eq!(there, nowhere);
    there.is(Code::PermissionDenied, "POOL_DENIED");
    let nowhere = refused(&other, about("nowhere", "")).await;
    nowhere.is(Code::PermissionDenied, "POOL_DENIED");
}

#[tokio::test]
async fn whoever_may_read_asks_about_everybody_and_hears_what_refuses_them() {
    let (cluster, admin, caller) = of_two_pools().await;
    let grant = proto::Grant {
        role: proto::Role::Auditor.into(),
        ..Default::default()
    };
    let auditor = proto::CreateCallerRequest {
        caller_id: "auditor".to_owned(),
        caller: Some(proto::Caller {
            grants: vec![grant],
            ..Default::default()
        }),
        ..Default::default()
    };
    admin.admin.clone().create_caller(auditor).await.unwrap();
    let token = admin.create_token("auditor").await.text;
    let auditor = cluster.client(0, &token).await;
    let told = auditor
        .try_explain(about("p", "callers/search"))
        .await
        .unwrap();
    assert_eq!(told.chosen, "accounts/a/keys/k");
    // No grant: the key would do, but the lease is refused.
    for request in [about("q", "callers/search"), about("p", "")] {
        let told = auditor.try_explain(request).await.unwrap();
        assert_eq!(
            (told.reason(), told.chosen.as_str()),
            (ErrorReason::PoolDenied, "")
        );
        assert!(told.keys[0].eligible && told.refusal.is_none(), "{told:#?}");
    }
    let disable = proto::DisablePoolRequest {
        name: "pools/p".to_owned(),
        why: "the bill is under review".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().disable_pool(disable).await.unwrap();
    let told = caller.agrees(&of("p")).await;
    assert_eq!(told.reason(), ErrorReason::PoolDisabled);
    assert!(
        told.message.contains("the bill is under review"),
        "{told:#?}"
    );
    let disable = proto::DisableCallerRequest {
        name: "callers/search".to_owned(),
        why: "gone".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().disable_caller(disable).await.unwrap();
    let told = admin
        .try_explain(about("p", "callers/search"))
        .await
        .unwrap();
    assert_eq!(told.reason(), ErrorReason::TokenRejected);
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_what_does_not_exist_is_not_found() {
    let (_cluster, admin, caller) = of_two_pools().await;
    for (request, fields) in [
        (ExplainLeaseRequest::default(), vec!["pool"]),
        (about("", "callers/"), vec!["pool", "caller"]),
        (about(&"p".repeat(10_000), "search"), vec!["pool", "caller"]),
        (about("p/../q", "accounts/a"), vec!["pool", "caller"]),
        (
            ExplainLeaseRequest {
                model: "m".repeat(100_000),
                estimate: Some(proto::Estimate {
                    input_tokens: i64::MAX,
                    ..Default::default()
                }),
                ..about("p", "")
            },
            vec!["model", "estimate.input_tokens"],
        ),
        (
            ExplainLeaseRequest {
                model: "gpt\u{0}4".to_owned(),
                ..about("p", "")
            },
            vec!["model"],
        ),
    ] {
        for client in [&admin, &caller] {
            let refused = refused(client, request.clone()).await;
            let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
            assert_eq!(refused.fields, fields);
        }
    }
    for request in [
        about("nowhere", "callers/search"),
        about("p", "callers/nobody"),
    ] {
        let refused = refused(&admin, request).await;
        refused.is(Code::NotFound, "RESOURCE_NOT_FOUND");
    }
    admin.create_pool("empty", &[]).await;
    let told = admin
        .try_explain(about("empty", "callers/search"))
        .await
        .unwrap();
    assert_eq!(
        (told.keys.len(), told.reason()),
        (0, ErrorReason::PoolDenied)
    );
    let token = admin.create_token("search").await;
    assert!(!token.text.is_empty());
}

#[tokio::test]
async fn a_pool_without_keys_is_explained_as_it_is_refused() {
    let (_cluster, admin, caller) = Cluster::serving(&["a"], "*").await;
    admin.create_account("bare", "").await;
    admin.create_pool("without-keys", &["bare"]).await;
    admin.create_pool("empty", &[]).await;
    for pool in ["empty", "without-keys"] {
        let told = caller.agrees(&of(pool)).await;
        assert_eq!(
            (told.keys.len(), told.reason()),
            (0, ErrorReason::PoolEmpty)
        );
        assert!(told.message.contains("the pool has no keys"), "{told:#?}");
    }
}

#[tokio::test]
async fn no_answer_holds_a_secret_or_anything_usable_of_it() {
    let (_cluster, admin, caller) = Cluster::serving(&["a", "b"], "*").await;
    // A key of a shape that would be looked for.
    let secret = "sk-proj-T3BlbkFJcanary0123456789abcdefghijklmnop";
    admin.create_key("a", "canary", secret).await;
    admin.disable_key("accounts/b/keys/k").await;
    let told = caller.explain(&of("p")).await;
    let shown = format!("{told:?}");
    check("an explanation", &shown, &[secret.to_owned()]);
    check(
        "an explanation",
        &String::from_utf8_lossy(&prost::Message::encode_to_vec(&told)),
        &[secret.to_owned()],
    );
    let disabled = of_key(&told, "accounts/b/keys/k");
    assert_eq!(disabled.reason(), RefusalReason::Disabled);
    assert_eq!(disabled.objections[0].why, "leaked");
}
