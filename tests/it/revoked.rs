//! Who has waited for long is asked again who it is: what was revoked meanwhile gets nothing.

use std::time::Duration;

use keylease::proto::{
    Caller, CreateCallerRequest, DisableCallerRequest, Grant, LeaseKeyRequest, LeaseKeyResponse,
    ListCallersRequest, RevokeTokenRequest, Role, UpdateCallerRequest, WatchStatusRequest,
};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::desk::mask;
use crate::harness::outcomes::not_sent;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, requests, span};

/// A pool of one request a minute, which another caller has leased; and the caller `search`, which may wait for it.
struct UsedUp {
    cluster: Cluster,
    admin: Client,
    other: Client,
    lease: LeaseKeyResponse,
    caller: Client,
    token: String,
}

type Asked = JoinHandle<Result<LeaseKeyResponse, Status>>;

impl UsedUp {
    async fn new() -> Self {
        let cluster = Cluster::start().await;
        let admin = cluster.admin().await;
        admin.create_account_and_key("a").await;
        admin.create_limit("a", requests(1, MINUTE)).await;
        admin.create_pool("p", &["a"]).await;
        let token = admin.create_lessee("other", "p").await;
        let other = cluster.client(0, &token).await;
        let lease = other.lease("p").await;
        admin.create_lessee("search", "p").await;
        let token = admin.create_token("search").await;
        Self {
            caller: cluster.client(0, &token.text).await,
            token: token.token.unwrap().name,
            cluster,
            admin,
            other,
            lease,
        }
    }

    /// Asks for a lease beside the test, and comes back when the call waits.
    async fn stand(&self, caller: &Client, request_id: &str) -> Asked {
        let caller = caller.clone();
        let request = LeaseKeyRequest {
            max_wait: Some(span(Duration::from_secs(50))),
            request_id: request_id.to_owned(),
            ..of("p")
        };
        let asked = tokio::spawn(async move { caller.ask(request).await });
        let stands = async || self.admin.status("p").await.waiting == 1;
        eventually("the call waits", stands).await;
        asked
    }

    async fn revoke(&self, name: &str) {
        let revoke = RevokeTokenRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        let mut admin = self.admin.admin.clone();
        admin.revoke_token(revoke).await.unwrap();
    }

    /// Gives the one permit back, and tells how the call that waited for it was refused; the permit is left to others.
    async fn refused(&self, asked: Asked) -> Refusal {
        self.other.report(&self.lease, not_sent()).await;
        let refusal = match asked.await.unwrap() {
            Ok(lease) => panic!("leased {}", lease.key),
            Err(status) => Refusal::of(&status),
        };
        self.other.lease("p").await;
        refusal
    }
}

#[tokio::test]
async fn a_token_revoked_while_its_call_waits_gets_no_secret() {
    for request_id in ["", "r"] {
        let used_up = UsedUp::new().await;
        let asked = used_up.stand(&used_up.caller, request_id).await;
        used_up.revoke(&used_up.token).await;
        let refused = used_up.refused(asked).await;
        refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
    }
}

#[tokio::test]
async fn a_caller_disabled_while_its_call_waits_gets_no_secret() {
    let used_up = UsedUp::new().await;
    let asked = used_up.stand(&used_up.caller, "").await;
    let disable = DisableCallerRequest {
        name: "callers/search".to_owned(),
        why: "leaked".to_owned(),
        ..Default::default()
    };
    let mut admin = used_up.admin.admin.clone();
    admin.disable_caller(disable).await.unwrap();
    let refused = used_up.refused(asked).await;
    refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
}

#[tokio::test]
async fn a_grant_taken_away_while_a_call_waits_is_missed() {
    let used_up = UsedUp::new().await;
    let asked = used_up.stand(&used_up.caller, "").await;
    let update = UpdateCallerRequest {
        caller: Some(Caller {
            name: "callers/search".to_owned(),
            ..Default::default()
        }),
        update_mask: mask(&["grants"]),
        ..Default::default()
    };
    let mut admin = used_up.admin.admin.clone();
    admin.update_caller(update).await.unwrap();
    let refused = used_up.refused(asked).await;
    refused.is(Code::PermissionDenied, "POOL_DENIED");
}

#[tokio::test]
async fn who_waits_for_another_call_of_its_request_id_is_asked_again_too() {
    let used_up = UsedUp::new().await;
    let token = used_up.admin.create_token("search").await.text;
    let second = used_up.cluster.client(0, &token).await;
    let first = used_up.stand(&second, "r").await;
    let aside = used_up.stand(&used_up.caller, "r").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    used_up.revoke(&used_up.token).await;
    used_up.other.report(&used_up.lease, not_sent()).await;
    first.await.unwrap().unwrap();
    let refused = Refusal::of(&aside.await.unwrap().unwrap_err());
    refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
}

#[tokio::test]
async fn an_admin_revoked_elsewhere_changes_nothing_where_that_is_not_known_yet() {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    let token = admin.create_token("admin").await;
    cluster.settled().await;
    let revoked = cluster.client(1, &token.text).await;
    // Every poll reads this table, and no change of the kinds below does: no replica learns of the revocation.
    let mut reader = cluster.database.pool.begin().await.unwrap();
    sqlx::query("lock table cooldowns in access exclusive mode")
        .execute(&mut *reader)
        .await
        .unwrap();
    let revoke = RevokeTokenRequest {
        name: token.token.unwrap().name,
        ..Default::default()
    };
    let mut revoking = admin.admin.clone();
    let revoking = tokio::spawn(async move { revoking.revoke_token(revoke).await });
    let is_committed = async || {
        let ended = "select exists (select from tokens where revoke_time is not null)";
        let ended = sqlx::query_scalar(ended).fetch_one(&cluster.database.pool);
        ended.await.unwrap()
    };
    eventually("the token is revoked", is_committed).await;
    let mut still = revoked.admin.clone();
    let read = still.list_callers(ListCallersRequest::default()).await;
    assert!(read.is_ok(), "it is known already: {read:?}");
    let create = CreateCallerRequest {
        caller_id: "mine".to_owned(),
        caller: Some(Caller::default()),
        ..Default::default()
    };
    let refused = still.create_caller(create).await.unwrap_err();
    Refusal::of(&refused).is(Code::Unauthenticated, "TOKEN_REJECTED");
    reader.rollback().await.unwrap();
    revoking.await.unwrap().unwrap();
}

fn of_roles(name: &str, roles: &[Role]) -> Caller {
    let grant = |role: &Role| Grant {
        role: (*role).into(),
        ..Default::default()
    };
    Caller {
        name: name.to_owned(),
        grants: roles.iter().map(grant).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_watch_ends_with_its_token_or_its_role() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_pool("p", &[]).await;
    let create = CreateCallerRequest {
        caller_id: "eye".to_owned(),
        caller: Some(of_roles("", &[Role::Auditor])),
        ..Default::default()
    };
    admin.admin.clone().create_caller(create).await.unwrap();
    for (code, reason) in [
        (Code::Unauthenticated, "TOKEN_REJECTED"),
        (Code::PermissionDenied, "ROLE_MISSING"),
    ] {
        let token = admin.create_token("eye").await;
        let eye = cluster.client(0, &token.text).await;
        let watch = WatchStatusRequest {
            pool: "pools/p".to_owned(),
            interval: Some(span(Duration::from_secs(1))),
        };
        let watching = eye.admin.clone().watch_status(watch).await;
        let mut statuses = watching.unwrap().into_inner();
        assert!(statuses.message().await.unwrap().is_some());
        if code == Code::Unauthenticated {
            let revoke = RevokeTokenRequest {
                name: token.token.unwrap().name,
                ..Default::default()
            };
            admin.admin.clone().revoke_token(revoke).await.unwrap();
        } else {
            let update = UpdateCallerRequest {
                caller: Some(of_roles("callers/eye", &[])),
                update_mask: mask(&["grants"]),
                ..Default::default()
            };
            admin.admin.clone().update_caller(update).await.unwrap();
        }
        let ended = async {
            loop {
                if let Err(status) = statuses.message().await {
                    break Refusal::of(&status);
                }
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(30), ended).await;
        ended.expect("it goes on").is(code, reason);
    }
}
