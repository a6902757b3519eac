//! Keys that move to another account.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use tonic::{Code, Status};

use crate::harness::desk::{Desk, answered};
use crate::harness::keys::{KEY, fields, openai, reason};

pub(crate) fn moving(name: &str, account: &str) -> proto::MoveKeyRequest {
    proto::MoveKeyRequest {
        name: name.to_owned(),
        destination_account: account.to_owned(),
        ..Default::default()
    }
}

/// A desk with the account `b` at a host of its own, beside `a` with its key.
async fn desk() -> Desk {
    let desk = Desk::with_key().await;
    let request = proto::CreateAccountRequest {
        account_id: "b".to_owned(),
        account: Some(proto::Account {
            base_url: "https://proxy.example/v1".to_owned(),
            ..openai()
        }),
        ..Default::default()
    };
    answered(desk.admin.create_account(desk.ask(request)).await);
    desk
}

#[tokio::test]
async fn every_version_is_sealed_for_the_hosts_of_its_new_account() {
    let desk = desk().await;
    let request = proto::MoveKeyRequest {
        request_id: "4ad4f1a0-6e0e-4d51-a0e3-6a7c1a2c1a10".to_owned(),
        reason: "billed there".to_owned(),
        ..moving(KEY, "accounts/b")
    };
    let moved = answered(desk.admin.move_key(desk.ask(request.clone())).await);
    assert_eq!(moved.key.as_ref().unwrap().name, "accounts/b/keys/k");
    let hosts = "select distinct sealed_hosts::text from key_versions";
    assert_eq!(desk.rows(hosts).await, ["{proxy.example}"]);
    let records = "select method || ' ' || resource || ' ' || summary || ' ' || reason from audit_records order by sequence desc limit 1";
    assert_eq!(
        desk.rows(records).await,
        [
            "MoveKey accounts/b/keys/k moved from accounts/a/keys/k, 1 versions sealed anew for proxy.example billed there"
        ]
    );
    // Sent again, it changes nothing and answers the same.
    let marks = desk.marks().await;
    let again = answered(desk.admin.move_key(desk.ask(request)).await);
    assert_eq!(again.key, moved.key);
    assert_eq!(desk.marks().await, marks);
    // The name that it had is free.
    desk.create_key("a", "k", "sk-third").await.unwrap();
    // And back, as soon as nothing of that name is there.
    let back = moving("accounts/b/keys/k", "accounts/a");
    let taken = desk.admin.move_key(desk.ask(back)).await.unwrap_err();
    assert_eq!(
        (taken.code(), reason(&taken).as_str()),
        (Code::AlreadyExists, "RESOURCE_EXISTS")
    );
    assert!(taken.message().contains("accounts/a/keys/k"), "{taken:?}");
}

async fn refused(desk: &Desk, request: proto::MoveKeyRequest) -> Status {
    let marks = desk.marks().await;
    let refused = desk.admin.move_key(desk.ask(request)).await.unwrap_err();
    assert_eq!(desk.marks().await, marks, "{refused:?}");
    refused
}

#[tokio::test]
async fn what_cannot_move_stays_where_it_is() {
    let desk = desk().await;
    let request = proto::CreateAccountRequest {
        account_id: "other".to_owned(),
        account: Some(proto::Account {
            provider_profile: "anthropic".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(desk.admin.create_account(desk.ask(request)).await);
    for (name, account, field) in [
        ("", "accounts/b", "name"),
        ("accounts/a", "accounts/b", "name"),
        (KEY, "", "destination_account"),
        (KEY, "b", "destination_account"),
        (KEY, "accounts/a", "destination_account"),
        (KEY, "accounts/other", "destination_account"),
    ] {
        let refused = refused(&desk, moving(name, account)).await;
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert_eq!(fields(&refused), [field]);
    }
    for (name, account) in [
        (KEY, "accounts/none"),
        ("accounts/a/keys/none", "accounts/b"),
    ] {
        let refused = refused(&desk, moving(name, account)).await;
        assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    }
    let stale = proto::MoveKeyRequest {
        etag: "old".to_owned(),
        ..moving(KEY, "accounts/b")
    };
    assert_eq!(refused(&desk, stale).await.code(), Code::Aborted);
    let tried = proto::MoveKeyRequest {
        validate_only: true,
        ..moving(KEY, "accounts/b")
    };
    let marks = desk.marks().await;
    let key = answered(desk.admin.move_key(desk.ask(tried)).await).key;
    assert_eq!(key.unwrap().name, "accounts/b/keys/k");
    assert_eq!(desk.marks().await, marks);
    assert_eq!(desk.key().await.name, KEY);
    desk.sql("update accounts set allowed_hosts = '{evil.example}' where id = 'b'")
        .await;
    let edited = refused(&desk, moving(KEY, "accounts/b")).await;
    assert_eq!(reason(&edited), "STATE_FORBIDS");
}

#[tokio::test]
async fn a_key_whose_rotation_is_not_over_stays_where_it_is() {
    let desk = desk().await;
    let refused_for = async |said: &str| {
        let refused = refused(&desk, moving(KEY, "accounts/b")).await;
        assert_eq!(reason(&refused), "STATE_FORBIDS");
        assert!(refused.message().contains(said), "{refused:?}");
    };
    desk.rotate("sk-second", false).await.unwrap();
    refused_for("accounts/a/keys/k/versions/1 drains").await;
    desk.rotate("sk-third", true).await.unwrap();
    let rotator = proto::SetRotatorRequest {
        rotator: Some(proto::Rotator {
            name: "accounts/a/rotator".to_owned(),
            url: "https://rotator.example".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(desk.admin.set_rotator(desk.ask(rotator)).await);
    let by_rotator = proto::RotateKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    let begun = answered(desk.admin.rotate_key(desk.ask(by_rotator)).await);
    refused_for("is under way").await;
    let cancel = proto::CancelRotationRequest {
        name: begun.rotation.unwrap().name,
        ..Default::default()
    };
    answered(desk.admin.cancel_rotation(desk.ask(cancel)).await);
    refused_for("has yet to have version").await;
}

#[tokio::test]
async fn a_key_that_a_pool_names_does_not_go_where_the_pool_would_have_it_twice() {
    let desk = desk().await;
    let member = |target: &str| proto::PoolMember {
        target: target.to_owned(),
        tier: 1,
        weight: 1,
    };
    let request = proto::CreatePoolRequest {
        pool_id: "both".to_owned(),
        pool: Some(proto::Pool {
            members: vec![member(KEY), member("accounts/b")],
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(desk.admin.create_pool(desk.ask(request)).await);
    let refused = refused(&desk, moving(KEY, "accounts/b")).await;
    assert_eq!(reason(&refused), "STATE_FORBIDS");
    assert!(refused.message().contains("pools/both"), "{refused:?}");
}
