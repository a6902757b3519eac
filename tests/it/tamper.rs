//! A database writer without the cluster key: whatever it edits, it gets no secret and no right.

use keylease::proto::{
    self,
    RefusalReason::{Tampered, Undecryptable},
};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::raided::Raided;
use crate::harness::refusal::Refusal;

async fn is_no_admin(caller: &Client) {
    let request = proto::ListAccountsRequest::default();
    let status = caller
        .admin
        .clone()
        .list_accounts(request)
        .await
        .unwrap_err();
    assert!(
        [Code::PermissionDenied, Code::Unauthenticated].contains(&status.code()),
        "{status:?}"
    );
    Refusal::of(&status);
}

#[tokio::test]
async fn swapped_ciphertexts_open_for_neither_version() {
    let mut raided = Raided::new().await;
    raided.honest.lease("pool-a").await;
    let swap = "update secrets s set wrapped_dek = o.wrapped_dek, ciphertext = o.ciphertext
        from secrets o where o.version_uid <> s.version_uid";
    raided.edit(swap).await;
    raided.serves_nothing("pool-a", Undecryptable).await;
    raided.serves_nothing("pool-b", Undecryptable).await;
    raided
        .notices("a secret does not open, it is not leased")
        .await;
    // Swapped back, all is as before.
    raided.edit(swap).await;
    let lease = raided.honest.lease("pool-a").await;
    assert_eq!(lease.credential.unwrap().fields["value"], "sk-a");
}

#[tokio::test]
async fn a_secret_that_is_given_to_another_key_does_not_open_there() {
    let mut raided = Raided::new().await;
    let swap = "drop index key_versions_current; alter table key_versions drop constraint key_versions_key_uid_number_key;
        update key_versions v set key_uid = (select uid from keys k where k.uid <> v.key_uid)";
    raided.edit(swap).await;
    raided.serves_nothing("pool-a", Undecryptable).await;
    // Nor does a key that is given to another account.
    let mut raided = Raided::new().await;
    let swap = "alter table keys drop constraint keys_account_uid_id_key;
        update keys k set account_uid = (select uid from accounts a where a.uid <> k.account_uid)";
    raided.edit(swap).await;
    raided.serves_nothing("pool-a", Tampered).await;
    raided
        .notices("a row was changed outside of keylease")
        .await;
}

#[tokio::test]
async fn a_base_url_that_was_edited_gets_no_secret() {
    let mut raided = Raided::new().await;
    raided.edit("create table kept as select * from accounts; create table hosts as select * from key_versions").await;
    let restore =
        "update accounts a set base_url = k.base_url, allowed_hosts = k.allowed_hosts, mac = k.mac,
            placement_kind = null, placement_name = null from kept k where k.uid = a.uid;
        update key_versions v set sealed_hosts = h.sealed_hosts from hosts h where h.uid = v.uid";
    for statements in [
        "update accounts set base_url = 'https://evil.example/v1' where id = 'a'",
        "update accounts set base_url = 'https://evil.example/v1', allowed_hosts = '{evil.example}' where id = 'a'",
        "update accounts set base_url = 'https://evil.example/v1', allowed_hosts = '{evil.example}' where id = 'a';
         update key_versions set sealed_hosts = '{evil.example}'",
        "update accounts a set base_url = 'https://evil.example/v1', mac = (select mac from accounts where id = 'b') where id = 'a'",
        "update accounts set placement_kind = 'query', placement_name = 'q' where id = 'a'",
    ] {
        raided.edit(&format!("{restore}; {statements}")).await;
        let refused = raided.honest.refused(of("pool-a")).await;
        refused.is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
    }
    raided.serves_nothing("pool-a", Tampered).await;
    raided.edit(restore).await;
    raided.honest.lease("pool-a").await;
    raided
        .notices("a row was changed outside of keylease")
        .await;
}

#[tokio::test]
async fn sealed_hosts_that_were_edited_open_nothing() {
    let mut raided = Raided::new().await;
    raided
        .edit("update key_versions set sealed_hosts = '{evil.example}'")
        .await;
    raided.serves_nothing("pool-a", Undecryptable).await;
}

#[tokio::test]
async fn a_role_that_was_edited_or_copied_gives_no_right() {
    let raided = Raided::new().await;
    raided
        .mallory
        .refused(of("mallorys"))
        .await
        .is(Code::FailedPrecondition, "POOL_EMPTY");
    let of_mallory = "caller_uid = (select uid from callers where id = 'mallory')";
    for statements in [
        format!("update grants set role = 'admin', pool_pattern = '' where {of_mallory}"),
        format!("update grants set role = 'lessee', pool_pattern = '*' where {of_mallory}"),
        "insert into grants (caller_uid, role, pool_pattern, mac)
            select (select uid from callers where id = 'mallory'), role, pool_pattern, mac from grants
            where role = 'admin' or pool_pattern = 'pool-*' on conflict do nothing"
            .to_owned(),
    ] {
        raided.edit(&statements).await;
        is_no_admin(&raided.mallory).await;
        raided.mallory.refused(of("pool-a")).await.is(Code::PermissionDenied, "POOL_DENIED");
    }
    raided
        .notices("a row was changed outside of keylease")
        .await;
    raided.honest.lease("pool-a").await;
}

#[tokio::test]
async fn a_token_that_was_pointed_at_another_caller_is_no_token() {
    for statements in [
        "update tokens set caller_uid = (select uid from callers where id = 'admin')",
        "update tokens set hash = (select hash from tokens t join callers c on c.uid = t.caller_uid where c.id = 'mallory')
            where caller_uid = (select uid from callers where id = 'admin')",
        "update callers set id = id || '-old';
            update callers set id = 'admin' where id = 'mallory-old'",
    ] {
        let raided = Raided::new().await;
        raided.edit(statements).await;
        is_no_admin(&raided.mallory).await;
        raided.mallory.ask(of("pool-a")).await.unwrap_err();
    }
}

#[tokio::test]
async fn what_was_disabled_or_revoked_stays_so() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    admin.disable_key("accounts/a/keys/k").await;
    let token = admin.create_token("honest").await;
    let request = proto::RevokeTokenRequest {
        name: token.token.unwrap().name,
        ..Default::default()
    };
    admin.admin.clone().revoke_token(request).await.unwrap();
    raided
        .edit(
            "update keys set disabled_why = null, disabled_since = null, disabled_until = null, disabled_by = null;
            update tokens set revoke_time = null",
        )
        .await;
    raided.honest.ask(of("pool-a")).await.unwrap_err();
    let revoked = raided.cluster.client(0, &token.text).await;
    revoked
        .refused(of("pool-b"))
        .await
        .is(Code::Unauthenticated, "TOKEN_REJECTED");
}

#[tokio::test]
async fn a_member_that_was_added_is_in_no_pool() {
    let raided = Raided::new().await;
    raided
        .edit(
            "insert into pool_members (pool_uid, target_kind, target_uid, tier, weight, mac)
            select (select uid from pools where id = 'mallorys'), target_kind, target_uid, tier, weight, mac from pool_members",
        )
        .await;
    raided
        .mallory
        .refused(of("mallorys"))
        .await
        .is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
    raided
        .edit("update pool_members set pool_uid = (select uid from pools where id = 'mallorys') where target_kind = 'none' or true
            and pool_uid <> (select uid from pools where id = 'mallorys') and target_uid not in
            (select target_uid from pool_members where pool_uid = (select uid from pools where id = 'mallorys'))")
        .await;
    raided
        .mallory
        .refused(of("mallorys"))
        .await
        .is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
    raided
        .notices("a row was changed outside of keylease")
        .await;
}
