//! Keys and their versions.

use keylease::domain::caller::Grant;
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use keylease::store::{accounts, key_versions, keys, secrets};
use tonic::Code;

use crate::harness::desk::{Desk, answered, mask};
use crate::harness::keys::{KEY, as_caller, fields, identity, reason, secret};

/// What leases of version 1 would be given, opened as a lease would open it.
async fn opened(desk: &Desk, number: u32) -> Option<String> {
    let mut conn = desk.database.pool.acquire().await.unwrap();
    let id = |id: &str| keylease::domain::id::Id::parse("id", id).unwrap();
    let key = keys::find(&mut conn, &id("a"), &id("k")).await.unwrap()?;
    let uid = key.resource.meta.uid;
    let version = key_versions::find(&mut conn, uid, number).await.unwrap()?;
    let rows = secrets::of_version(&mut conn, version.meta.uid)
        .await
        .unwrap();
    let row = rows.first()?;
    let secret = desk.vault.keys().open_secret(&version, row).ok()?;
    Some(String::from_utf8(secret.expose().to_vec()).unwrap())
}

#[tokio::test]
async fn a_key_is_created_with_its_first_version_and_shows_what_is_in_force() {
    let desk = Desk::with_key().await;
    let key = desk.key().await;
    assert_eq!(key.current_version, "accounts/a/keys/k/versions/1");
    let interval = key.rotation_policy.unwrap().interval.unwrap();
    assert_eq!(interval.seconds, 168 * 3600);
    let promoted = desk.versions().await[0].promote_time.unwrap();
    assert_eq!(
        key.next_rotation_time.unwrap().seconds,
        promoted.seconds + 168 * 3600
    );
    assert!(!key.rotation_overdue);
    let version = &desk.versions().await[0];
    assert_eq!(version.stage(), proto::VersionStage::Current);
    assert!(version.master_key_fingerprint.starts_with("mk_"));
    assert_eq!(opened(&desk, 1).await.as_deref(), Some("sk-first"));
}

#[tokio::test]
async fn a_key_inherits_its_rotation_interval_from_its_account_and_then_its_pools() {
    let desk = Desk::with_key().await;
    let policy = |hours: i64| {
        let interval = Some(prost_types::Duration {
            seconds: hours * 3600,
            nanos: 0,
        });
        Some(proto::RotationPolicy { interval })
    };
    for (pool, hours) in [("p", 48), ("q", 24)] {
        let request = proto::CreatePoolRequest {
            pool_id: pool.to_owned(),
            pool: Some(proto::Pool {
                members: vec![proto::PoolMember {
                    target: "accounts/a".to_owned(),
                    tier: 1,
                    weight: 1,
                }],
                rotation_policy: policy(hours),
                ..Default::default()
            }),
            ..Default::default()
        };
        answered(desk.admin.create_pool(desk.ask(request)).await);
    }
    let seconds = |key: proto::Key| key.rotation_policy.unwrap().interval.unwrap().seconds;
    assert_eq!(seconds(desk.key().await), 24 * 3600);
    let request = proto::UpdateAccountRequest {
        account: Some(proto::Account {
            name: "accounts/a".to_owned(),
            rotation_policy: policy(100),
            ..Default::default()
        }),
        update_mask: mask(&["rotation_policy"]),
        ..Default::default()
    };
    answered(desk.admin.update_account(desk.ask(request)).await);
    assert_eq!(seconds(desk.key().await), 100 * 3600);
    let request = proto::UpdateKeyRequest {
        key: Some(proto::Key {
            name: KEY.to_owned(),
            rotation_policy: policy(2),
            model_allow: vec!["gpt-*".to_owned()],
            model_map: [("gpt".to_owned(), "deployment".to_owned())].into(),
            ..Default::default()
        }),
        update_mask: mask(&["rotation_policy", "model_map"]),
        ..Default::default()
    };
    let key = answered(desk.admin.update_key(desk.ask(request)).await)
        .key
        .unwrap();
    assert_eq!(key.model_map["gpt"], "deployment");
    assert!(key.model_allow.is_empty());
    assert_eq!(seconds(key), 2 * 3600);
    desk.sql("update key_versions set promote_time = now() - interval '3 hours'")
        .await;
    assert!(desk.key().await.rotation_overdue);
}

#[tokio::test]
async fn changing_the_hosts_of_an_account_seals_its_secrets_anew() {
    let desk = Desk::with_key().await;
    desk.rotate("sk-second", false).await.unwrap();
    let before = desk
        .rows("select encode(ciphertext, 'hex') from secrets order by 1")
        .await;
    let request = proto::UpdateAccountRequest {
        account: Some(proto::Account {
            name: "accounts/a".to_owned(),
            base_url: "https://proxy.example/openai".to_owned(),
            ..Default::default()
        }),
        update_mask: mask(&["base_url", "allowed_hosts"]),
        ..Default::default()
    };
    answered(desk.admin.update_account(desk.ask(request)).await);
    let after = desk
        .rows("select encode(ciphertext, 'hex') from secrets order by 1")
        .await;
    assert_eq!((before.len(), after.len()), (2, 2));
    assert!(after.iter().all(|ciphertext| !before.contains(ciphertext)));
    let hosts = desk
        .rows("select distinct sealed_hosts::text from key_versions")
        .await;
    assert_eq!(hosts, ["{proxy.example}"]);
    assert_eq!(opened(&desk, 1).await.as_deref(), Some("sk-first"));
    assert_eq!(opened(&desk, 2).await.as_deref(), Some("sk-second"));
    let wraps = desk.rows("select wraps::text from master_keys").await;
    assert_eq!(
        wraps,
        ["5"],
        "one of the cluster key, two of secrets, two of secrets sealed anew"
    );
}

#[tokio::test]
async fn a_base_url_outside_the_hosts_is_refused_and_seals_nothing() {
    let desk = Desk::with_key().await;
    let marks = desk.marks().await;
    let request = proto::UpdateAccountRequest {
        account: Some(proto::Account {
            name: "accounts/a".to_owned(),
            base_url: "https://evil.example".to_owned(),
            ..Default::default()
        }),
        update_mask: mask(&["base_url"]),
        ..Default::default()
    };
    let refused = desk
        .admin
        .update_account(desk.ask(request))
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["account.allowed_hosts"]);
    assert_eq!(desk.marks().await, marks);
}

#[tokio::test]
async fn swapped_ciphertexts_and_edited_hosts_open_nothing() {
    let desk = Desk::with_key().await;
    desk.rotate("sk-second", false).await.unwrap();
    desk.sql("update key_versions set sealed_hosts = '{evil.example}' where number = 2")
        .await;
    assert_eq!(opened(&desk, 2).await, None);
    desk.sql(
        "update secrets a set ciphertext = b.ciphertext, wrapped_dek = b.wrapped_dek from secrets b \
         where a.version_uid <> b.version_uid",
    )
    .await;
    assert_eq!(opened(&desk, 1).await, None);
}

#[tokio::test]
async fn a_key_of_a_row_that_was_edited_is_not_changed_or_rotated() {
    let desk = Desk::with_key().await;
    desk.sql("update keys set model_allow = '{other}'").await;
    let refused = desk.rotate("sk-second", false).await.unwrap_err();
    assert_eq!(reason(&refused), "STATE_FORBIDS");
    desk.sql("update keys set model_allow = '{}'").await;
    desk.sql("update accounts set allowed_hosts = '{evil.example}'")
        .await;
    let refused = desk.rotate("sk-second", false).await.unwrap_err();
    assert_eq!(reason(&refused), "STATE_FORBIDS");
}

#[tokio::test]
async fn the_macs_of_accounts_and_keys_verify() {
    let desk = Desk::with_key().await;
    let mut conn = desk.database.pool.acquire().await.unwrap();
    let id = |id: &str| keylease::domain::id::Id::parse("id", id).unwrap();
    let mac = &desk.vault.keys().mac;
    let account = accounts::find(&mut conn, &id("a")).await.unwrap().unwrap();
    assert!(mac.verifies_row(&account.resource, &account.mac));
    let key = keys::find(&mut conn, &id("a"), &id("k"))
        .await
        .unwrap()
        .unwrap();
    assert!(mac.verifies_row(&key.resource, &key.mac));
    assert!(!mac.verifies_row(&key.resource, &account.mac));
}

#[tokio::test]
async fn a_secret_that_is_stored_already_is_refused_by_the_name_of_its_key() {
    let desk = Desk::with_key().await;
    desk.create_account("b").await.unwrap();
    let refused = desk.create_key("b", "other", "sk-first").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "RESOURCE_EXISTS")
    );
    assert_eq!(fields(&refused), ["secret"]);
    let text = format!("{refused:?}");
    assert!(!text.contains("sk-first"));
    let refused = desk.rotate("sk-first", false).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
}

#[tokio::test]
async fn an_account_with_keys_and_a_key_in_a_pool_are_not_deleted() {
    let desk = Desk::with_key().await;
    let delete = proto::DeleteAccountRequest {
        name: "accounts/a".to_owned(),
        ..Default::default()
    };
    let refused = desk
        .admin
        .delete_account(desk.ask(delete.clone()))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("has keys, delete them first"));
    let pool = proto::CreatePoolRequest {
        pool_id: "p".to_owned(),
        pool: Some(proto::Pool {
            members: vec![proto::PoolMember {
                target: KEY.to_owned(),
                tier: 1,
                weight: 1,
            }],
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(desk.admin.create_pool(desk.ask(pool)).await);
    let delete_key = proto::DeleteKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    let refused = desk
        .admin
        .delete_key(desk.ask(delete_key.clone()))
        .await
        .unwrap_err();
    assert!(refused.message().contains("pools/p"));
    let name = "pools/p".to_owned();
    let delete_pool = proto::DeletePoolRequest {
        name,
        ..Default::default()
    };
    answered(desk.admin.delete_pool(desk.ask(delete_pool)).await);
    answered(desk.admin.delete_key(desk.ask(delete_key)).await);
    answered(desk.admin.delete_account(desk.ask(delete)).await);
    assert!(desk.rows("select field from secrets").await.is_empty());
    let gone = desk.rows("select kind from deletions order by kind").await;
    assert_eq!(gone, ["accounts", "key_versions", "keys", "pools"]);
}

#[tokio::test]
async fn keys_of_all_accounts_are_listed_in_the_order_of_their_names() {
    let desk = Desk::open().await;
    for account in ["b", "a"] {
        desk.create_account(account).await.unwrap();
        for key in ["z", "y"] {
            let value = format!("sk-{account}-{key}");
            desk.create_key(account, key, &value).await.unwrap();
        }
    }
    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = proto::ListKeysRequest {
            parent: "accounts/-".to_owned(),
            page_size: 3,
            page_token,
            ..Default::default()
        };
        let page = answered(desk.admin.list_keys(desk.ask(request)).await);
        names.extend(page.keys.into_iter().map(|key| key.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected = ["a/keys/y", "a/keys/z", "b/keys/y", "b/keys/z"];
    assert_eq!(names, expected.map(|name| format!("accounts/{name}")));
}

#[tokio::test]
async fn an_operator_disables_and_rotates_and_does_not_create() {
    let desk = Desk::with_key().await;
    let operator = || identity(vec![Grant::Operator]);
    let request = proto::DisableKeyRequest {
        name: KEY.to_owned(),
        why: "leaked".to_owned(),
        ..Default::default()
    };
    let key = desk.admin.disable_key(as_caller(operator(), request)).await;
    assert_eq!(
        answered(key).key.unwrap().disablement.unwrap().reason,
        "leaked"
    );
    let request = proto::RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret("sk-second")),
        skip_test: true,
        ..Default::default()
    };
    answered(desk.admin.rotate_key(as_caller(operator(), request)).await);
    let name = KEY.to_owned();
    let request = proto::EnableKeyRequest {
        name,
        ..Default::default()
    };
    let key = answered(desk.admin.enable_key(as_caller(operator(), request)).await);
    assert!(key.key.unwrap().disablement.is_none());
    let request = proto::CreateKeyRequest::default();
    let refused = desk.admin.create_key(as_caller(operator(), request)).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn clearing_health_makes_versions_active_and_ends_cooldowns() {
    let desk = Desk::with_key().await;
    let cool = "update key_versions set health = 'dead', health_until = now() + interval '1 day', health_class = 'credential'; \
        insert into cooldowns select uid, m, 1, now() + interval '1 hour', 'x', 'quota' from accounts, unnest(array['', 'gpt']) m";
    desk.sql(cool).await;
    assert_eq!(
        desk.versions().await[0].health.clone().unwrap().state(),
        proto::HealthState::Dead
    );
    let clear = |name: &str, model: &str| proto::ClearHealthRequest {
        name: name.to_owned(),
        model: model.to_owned(),
        ..Default::default()
    };
    for (name, model, cleared) in [
        (KEY, "", 1),
        ("accounts/a", "gpt", 1),
        ("accounts/a", "", 1),
    ] {
        let answer = desk.admin.clear_health(desk.ask(clear(name, model))).await;
        assert_eq!(answered(answer).cleared, cleared, "{name} {model}");
    }
    assert_eq!(
        desk.versions().await[0].health.clone().unwrap().state(),
        proto::HealthState::Active
    );
    let wrong = desk.admin.clear_health(desk.ask(clear(KEY, "gpt"))).await;
    assert_eq!(fields(&wrong.unwrap_err()), ["model"]);
    let unknown = clear("providers/nobody.example.com", "");
    let unknown = desk.admin.clear_health(desk.ask(unknown)).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}
