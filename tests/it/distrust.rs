//! Rows that somebody edited in the database: every verb that shows them says so, and so do refusals and the metric.

use keylease::proto::{
    self,
    DistrustState::{self, Tampered, Undecryptable, Unspecified},
    RefusalReason,
};

use crate::harness::client::{Client, of};
use crate::harness::raided::Raided;

/// What an answer says of a row.
fn state(distrust: Option<&proto::Distrust>) -> DistrustState {
    distrust.map_or(Unspecified, proto::Distrust::state)
}

async fn status(admin: &Client, pool: &str) -> proto::PoolStatus {
    let request = proto::GetStatusRequest {
        pool: format!("pools/{pool}"),
    };
    let answer = admin.admin.clone().get_status(request).await.unwrap();
    answer.into_inner().status.unwrap()
}

async fn key(admin: &Client, name: &str) -> proto::Key {
    let request = proto::GetKeyRequest {
        name: str::to_owned(name),
    };
    let answer = admin.admin.clone().get_key(request).await.unwrap();
    answer.into_inner().key.unwrap()
}

async fn versions(admin: &Client, key: &str) -> Vec<proto::KeyVersion> {
    let request = proto::ListKeyVersionsRequest {
        parent: str::to_owned(key),
        ..Default::default()
    };
    let answer = admin.admin.clone().list_key_versions(request).await;
    answer.unwrap().into_inner().key_versions
}

#[tokio::test]
async fn a_secret_that_does_not_open_is_shown_as_such_whatever_its_health() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    let name = "accounts/a/keys/k";
    assert_eq!(
        state(key(&admin, name).await.distrust.as_ref()),
        Unspecified
    );
    raided.counts("version", 0.0).await;
    let swap = "update secrets s set wrapped_dek = o.wrapped_dek, ciphertext = o.ciphertext
        from secrets o where o.version_uid <> s.version_uid";
    raided.edit(swap).await;

    let shown = status(&admin, "pool-a").await;
    assert_eq!((shown.keys_serving, shown.keys_distrusted), (0, 1));
    let version = &shown.keys[0].versions[0];
    assert_eq!(
        version.health.as_ref().unwrap().state(),
        proto::HealthState::Active
    );
    assert_eq!(state(version.distrust.as_ref()), Undecryptable);
    assert!(
        version
            .distrust
            .as_ref()
            .unwrap()
            .why
            .contains("does not open")
    );
    assert_eq!(state(shown.keys[0].distrust.as_ref()), Unspecified);
    assert_eq!(
        state(key(&admin, name).await.distrust.as_ref()),
        Undecryptable
    );
    let listed = versions(&admin, name).await;
    assert_eq!(state(listed[0].distrust.as_ref()), Undecryptable);
    let request = proto::GetKeyVersionRequest {
        name: listed[0].name.clone(),
    };
    let read = admin.admin.clone().get_key_version(request).await.unwrap();
    let read = read.into_inner().key_version.unwrap();
    assert_eq!(state(read.distrust.as_ref()), Undecryptable);
    raided.counts("version", 2.0).await;

    raided.edit(swap).await;
    assert_eq!(status(&admin, "pool-a").await.keys_serving, 1);
    raided.counts("version", 0.0).await;
}

#[tokio::test]
async fn hosts_that_were_edited_and_secrets_that_are_gone_are_told_apart() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    let why = async |key: &str| {
        let listed = versions(&admin, key).await;
        listed[0].distrust.clone().map(|distrust| distrust.why)
    };
    raided
        .edit("update key_versions set sealed_hosts = '{evil.example}'")
        .await;
    let told = why("accounts/a/keys/k").await.unwrap();
    assert!(told.contains("sealed for evil.example"), "{told}");
    raided.edit("delete from secrets").await;
    let told = why("accounts/a/keys/k").await.unwrap();
    assert!(told.contains("the secret is gone"), "{told}");
    let refused = raided.honest.refused(of("pool-a")).await;
    assert_eq!(refused.count(RefusalReason::Undecryptable), 1);
}

/// What the list of accounts, pools, callers or tokens says of each.
macro_rules! listed {
    ($admin:expr, $method:ident, $field:ident, $request:expr) => {{
        let answer = $admin.admin.clone().$method($request).await.unwrap();
        let rows = answer.into_inner().$field;
        let states = rows.iter().map(|row| state(row.distrust.as_ref()));
        states.collect::<Vec<_>>()
    }};
}

#[tokio::test]
async fn an_account_that_was_edited_is_shown_so_with_its_keys() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    raided
        .edit("update accounts set allow_http = true where id = 'a'")
        .await;
    let request = proto::ListAccountsRequest::default();
    let states = listed!(admin, list_accounts, accounts, request);
    assert_eq!(states, [Tampered, Unspecified]);
    let request = proto::GetAccountRequest {
        name: str::to_owned("accounts/a"),
    };
    let read = admin.admin.clone().get_account(request).await.unwrap();
    let why = read.into_inner().account.unwrap().distrust.unwrap().why;
    assert!(
        why.starts_with("accounts/a was changed in the database"),
        "{why}"
    );
    let request = proto::ListKeysRequest {
        parent: str::to_owned("accounts/-"),
        ..Default::default()
    };
    let states = listed!(admin, list_keys, keys, request);
    assert_eq!(states, [Tampered, Unspecified]);
    let shown = status(&admin, "pool-a").await;
    assert_eq!((shown.keys.len(), shown.keys_distrusted), (1, 1));
    assert_eq!(state(shown.keys[0].distrust.as_ref()), Tampered);
    raided.counts("account", 1.0).await;
}

#[tokio::test]
async fn pools_callers_and_tokens_that_were_edited_are_shown_so() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    raided
        .edit(
            "update pools set strategy = 'weighted' where id = 'pool-b';
            update pool_members set tier = 2 where pool_uid = (select uid from pools where id = 'pool-a');
            update grants set pool_pattern = '*' where pool_pattern = 'mallorys';
            update callers set disabled_why = 'x', disabled_since = now(), disabled_by = 'y' where id = 'honest';
            update tokens set expire_time = now() + interval '1 day' where caller_uid = (select uid from callers where id = 'mallory')",
        )
        .await;
    for kind in ["pool", "pool_member", "grant", "caller", "token"] {
        raided.counts(kind, 1.0).await;
    }
    for kind in ["account", "key", "version"] {
        raided.counts(kind, 0.0).await;
    }
    let request = proto::ListPoolsRequest::default();
    let states = listed!(admin, list_pools, pools, request);
    assert_eq!(states, [Unspecified, Tampered, Tampered]);
    let shown = status(&admin, "pool-a").await;
    assert_eq!(state(shown.distrust.as_ref()), Tampered);
    // In the order of names: admin, honest, mallory.
    let request = proto::ListCallersRequest::default();
    let states = listed!(admin, list_callers, callers, request);
    assert_eq!(states, [Unspecified, Tampered, Tampered]);
    let request = proto::ListTokensRequest {
        parent: str::to_owned("callers/mallory"),
        ..Default::default()
    };
    assert_eq!(listed!(admin, list_tokens, tokens, request), [Tampered]);
}
