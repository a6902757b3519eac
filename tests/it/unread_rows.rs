//! Rows that this release cannot read, as a newer one may write them: taken out where they were known, and refused by name.

use keylease::proto::{self, RefusalReason};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::raided::Raided;
use crate::harness::setup::{MINUTE, requests};

#[tokio::test]
async fn an_account_with_a_limit_that_cannot_be_read_is_not_leased_from() {
    let mut raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    admin.create_limit("a", requests(10, MINUTE)).await;
    raided.honest.lease("pool-a").await;
    raided
        .edit("update limits set dimension = 'images', rev = (select rev from cluster)")
        .await;
    // Here, where it was known, and on a replica that has never known it.
    let honest = admin.create_token("honest").await.text;
    raided.cluster.add().await;
    raided.cluster.settled().await;
    for replica in 0..2 {
        let caller = raided.cluster.client(replica, &honest).await;
        let refused = caller.refused(of("pool-a")).await;
        let refused = refused.is(Code::FailedPrecondition, "LIMITS_UNREAD");
        assert_eq!(refused.count(RefusalReason::LimitUnread), 1);
        assert_eq!((refused.retry, refused.total()), (None, 1));
        // Other accounts are none of this.
        caller.lease("pool-b").await;
    }
    raided.counts("limit", 1.0).await;
    shown_as_unreadable(&admin).await;
    raided
        .edit("update limits set dimension = 'requests', rev = (select rev from cluster)")
        .await;
    raided.honest.lease("pool-a").await;
    raided.counts("limit", 0.0).await;
    raided
        .edit("update limits set dimension = 'images', delete_time = now(), rev = (select rev from cluster)")
        .await;
    raided.honest.lease("pool-a").await;
}

/// Whoever looks sees the account, with the limit that nobody can read, and everything else.
async fn shown_as_unreadable(admin: &Client) {
    let get = proto::GetAccountRequest {
        name: "accounts/a".to_owned(),
    };
    let account = admin.admin.clone().get_account(get).await.unwrap();
    let account = account.into_inner().account.unwrap();
    let all = proto::ListAccountsRequest::default();
    let all = admin.admin.clone().list_accounts(all).await.unwrap();
    let of_list = all.into_inner().accounts;
    assert_eq!(of_list.len(), 2);
    let limits = proto::ListLimitsRequest {
        parent: "accounts/a".to_owned(),
        ..Default::default()
    };
    let limits = admin.admin.clone().list_limits(limits).await.unwrap();
    let limits = limits.into_inner().limits;
    for limits in [&account.limits, &of_list[0].limits, &limits] {
        assert_eq!(limits.len(), 1);
        assert_eq!(limits[0].name, "accounts/a/limits/l10");
        let distrust = limits[0].distrust.as_ref().unwrap();
        assert_eq!(distrust.state(), proto::DistrustState::Unreadable);
        assert!(distrust.why.contains("dimension"), "{}", distrust.why);
    }
    admin.status("pool-a").await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_any_more_is_taken_out() {
    let mut raided = Raided::new().await;
    raided.honest.lease("pool-a").await;
    raided
        .edit("update accounts set profile = 'of-a-newer-release' where id = 'a'")
        .await;
    raided.notices("a row cannot be read").await;
    raided
        .serves_nothing("pool-a", RefusalReason::Tampered)
        .await;
    raided.counts("account", 1.0).await;
    raided.honest.lease("pool-b").await;
}

#[tokio::test]
async fn keys_versions_pools_callers_grants_and_members_that_cannot_be_read_serve_nobody() {
    let raided = Raided::new().await;
    for (edit, undo, code, reason) in [
        (
            "update keys set model_allow = '{\"\"}'",
            "update keys set model_allow = '{}'",
            Code::FailedPrecondition,
            "KEYS_DISTRUSTED",
        ),
        (
            "alter table key_versions drop constraint key_versions_stage_check; update key_versions set stage = 'resting'",
            "update key_versions set stage = 'current'",
            Code::FailedPrecondition,
            "POOL_EMPTY",
        ),
        (
            "alter table pools drop constraint pools_strategy_check; update pools set strategy = 'newest'",
            "update pools set strategy = 'round_robin'",
            Code::FailedPrecondition,
            "KEYS_DISTRUSTED",
        ),
        (
            "alter table pool_members drop constraint pool_members_target_kind_check; update pool_members set target_kind = 'provider'",
            "update pool_members set target_kind = 'account'",
            Code::FailedPrecondition,
            "KEYS_DISTRUSTED",
        ),
        (
            "alter table grants drop constraint grants_role_check; update grants set role = 'nonsense' where role = 'lessee'",
            "update grants set role = 'lessee' where role = 'nonsense'",
            Code::PermissionDenied,
            "POOL_DENIED",
        ),
        (
            "update callers set id = 'No Name' where id = 'honest'",
            "update callers set id = 'honest' where id = 'No Name'",
            Code::Unauthenticated,
            "TOKEN_REJECTED",
        ),
    ] {
        raided.honest.lease("pool-a").await;
        raided.edit(edit).await;
        let refused = raided.honest.refused(of("pool-a")).await;
        refused.is(code, reason);
        raided.edit(undo).await;
    }
    raided.honest.lease("pool-a").await;
}
