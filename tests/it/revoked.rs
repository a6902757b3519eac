//! Who has waited for long is asked again who it is: what was revoked meanwhile gets nothing.

use std::time::Duration;

use keylease::proto::{
    Caller, DisableCallerRequest, LeaseKeyRequest, LeaseKeyResponse, RevokeTokenRequest,
    UpdateCallerRequest,
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
