//! A vault that is well is said to be well, whatever was changed in it, by whom, and however long ago.

use keylease::proto;
use tokio::task::{block_in_place, spawn};

use crate::harness::audited::{Audited, PRUNE};
use crate::harness::client::Client;
use crate::harness::outcomes::http;
use crate::harness::process::texts;
use crate::harness::setup::secret;

async fn import(admin: &Client, account: &str, keys: usize) {
    let keys = (0..keys).map(|number| proto::ImportedKey {
        key_id: format!("k{number}"),
        secret: Some(secret(&format!("sk-{account}-{number}"))),
        ..Default::default()
    });
    let request = proto::ImportKeysRequest {
        accounts: vec![proto::ImportedAccount {
            account_id: account.to_owned(),
            account: Some(proto::Account {
                provider_profile: "openai".to_owned(),
                ..Default::default()
            }),
            keys: keys.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    admin.admin.clone().import_keys(request).await.unwrap();
}

/// Some of everything that is done to a vault; `round` makes names and secrets of its own.
async fn everything(audited: &Audited, admin: &Client, round: &str) {
    import(admin, &format!("imported-{round}"), 40).await;
    let account = format!("own-{round}");
    admin.create_account_and_key(&account).await;
    let key = format!("accounts/{account}/keys/k");
    for number in 0..2 {
        admin
            .rotate(&key, &format!("sk-{account}-new-{number}"))
            .await;
    }
    let rollback = proto::RollbackKeyRequest {
        name: key.clone(),
        ..Default::default()
    };
    admin.admin.clone().rollback_key(rollback).await.unwrap();
    let revoking = proto::RotateKeyRequest {
        name: key.clone(),
        secret: Some(secret(&format!("sk-{account}-last"))),
        skip_test: true,
        revoke_previous_now: true,
        ..Default::default()
    };
    admin.admin.clone().rotate_key(revoking).await.unwrap();
    for _ in 0..2 {
        let name = format!("accounts/{account}");
        admin.disable_account(&name).await;
        admin.enable_account(&name).await;
    }
    admin.set_members(&["a", &account]).await;
    admin.set_members(&["b"]).await;
    admin.set_members(&[]).await;
    admin.set_members(&["a", "b"]).await;
    let caller = format!("caller-{round}");
    admin.create_lessee(&caller, "p").await;
    let token = admin.create_token(&caller).await.token.unwrap().name;
    admin.revoke_token(&token).await;
    admin.set_pattern("*").await;
    dies_and_is_cleared(audited, admin).await;
    admin.delete(&key).await;
    admin.delete(&format!("callers/{caller}")).await;
    let gone = proto::DeleteAccountRequest {
        name: format!("accounts/{account}"),
        ..Default::default()
    };
    admin.admin.clone().delete_account(gone).await.unwrap();
}

/// Health has revisions too, which no change is on record for.
async fn dies_and_is_cleared(audited: &Audited, admin: &Client) {
    let token = admin.create_token("search").await.text;
    audited.cluster.settled().await;
    let caller = audited.cluster.client(0, &token).await;
    let lease = caller.lease("p").await;
    caller.report(&lease, http(401, &[])).await;
    let clear = proto::ClearHealthRequest {
        name: lease.key.clone(),
        ..Default::default()
    };
    admin.admin.clone().clear_health(clear).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_a_vault_it_is_well_also_while_it_is_done() {
    let mut audited = Audited::new().await;
    let admin = audited.cluster.admin().await;
    everything(&audited, &admin, "first").await;
    let well = audited.is_well();
    assert!(
        well.report["recorded"].as_u64().unwrap() > 80,
        "{}",
        well.text()
    );
    assert!(
        !well.text().contains("no change is on record"),
        "{}",
        well.text()
    );
    // Another boot has a chain of its own, behind which the same rows are changed.
    audited.cluster.replicas.clear();
    audited.cluster.add().await;
    let admin = audited.cluster.admin().await;
    everything(&audited, &admin, "second").await;
    audited.is_well();
    let working = spawn(async move {
        for round in 0..40 {
            admin.disable_account("accounts/a").await;
            admin.enable_account("accounts/a").await;
            admin.set_members(&["a", "b"][..=round % 2]).await;
            import(&admin, &format!("meanwhile-{round}"), 2).await;
            admin
                .delete(&format!("accounts/meanwhile-{round}/keys/k0"))
                .await;
        }
    });
    while !working.is_finished() {
        block_in_place(|| audited.is_well());
    }
    working.await.unwrap();
    audited.is_well();
    audited.is_intact();
}

#[tokio::test]
async fn rows_whose_changes_are_off_the_record_are_counted_and_not_told() {
    let audited = Audited::new().await;
    let admin = audited.cluster.admin().await;
    let pruned = audited.audit(&PRUNE);
    assert!(pruned.status.success(), "{}", texts(&pruned).1);
    let well = audited.is_well();
    assert!(
        well.text().contains("rows no change is on record"),
        "{}",
        well.text()
    );
    // What is changed from then on is on record again.
    admin.disable_account("accounts/a").await;
    audited.is_well();
    audited
        .edit("update accounts set mac = (select mac from accounts where id = 'b') where id = 'a'")
        .await;
    let found = audited.cluster.doctor(&[]);
    assert_eq!(found.count("row_back"), 1, "{}", found.text());
}

#[tokio::test]
async fn a_vault_of_an_earlier_release_is_well_and_only_what_changes_from_then_on_is_compared() {
    let mut audited = Audited::new().await;
    audited.cluster.replicas.clear();
    audited
        .edit(
            "update audit_records set writer = null, writer_sequence = null, previous = null, mac = null;
            delete from audit_chains; delete from audit_standing; delete from audit_records where method = 'PromoteMasterKey';
            update cluster set promoted_master_key = null, promotion_number = null, promoted_mac = null",
        )
        .await;
    audited.cluster.add().await;
    audited.is_intact();
    let well = audited.is_well();
    assert_eq!(well.report["recorded"], 0);
    assert!(
        well.text().contains("an earlier release made it"),
        "{}",
        well.text()
    );
    let admin = audited.cluster.admin().await;
    audited.keep("before").await;
    admin.disable_account("accounts/a").await;
    let well = audited.is_well();
    assert_eq!(well.report["recorded"], 1, "{}", well.text());
    audited.put_back("before", "accounts").await;
    audited.finds_back(1, &["accounts/a", "(DisableAccount of "]);
}
