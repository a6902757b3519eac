//! What somebody did to the database, and databases that are away or have lost writes: explained as LeaseKey then refuses it.

use std::time::Duration;

use keylease::proto::{self, ErrorReason, RefusalReason};

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::explained::of_key;
use crate::harness::raided::Raided;
use crate::harness::setup::{MINUTE, requests, span};

const KEY: &str = "accounts/a/keys/k";

/// An edit, what it makes of the one key of a pool, and how that is said.
const EDITS: [(&str, RefusalReason, &str); 9] = [
    (
        "update keys set model_allow = '{evil}'",
        RefusalReason::Tampered,
        "changed in the database",
    ),
    (
        "update pool_members set weight = 9",
        RefusalReason::Tampered,
        "its membership was changed",
    ),
    (
        "update accounts set allow_http = true",
        RefusalReason::Tampered,
        "not believed",
    ),
    (
        "update accounts set profile = 'of-a-newer-release'",
        RefusalReason::Tampered,
        "not believed",
    ),
    (
        "update secrets s set wrapped_dek = o.wrapped_dek, ciphertext = o.ciphertext from secrets o where o.version_uid <> s.version_uid",
        RefusalReason::Undecryptable,
        "does not open",
    ),
    (
        "update secrets set master_key_fingerprint = 'mk_0011223344556677'",
        RefusalReason::Undecryptable,
        "this replica lacks master key mk_0011223344556677; add it to its file",
    ),
    (
        "delete from secrets",
        RefusalReason::Undecryptable,
        "its secret is gone",
    ),
    (
        "alter table key_versions drop constraint key_versions_stage_check; update key_versions set stage = 'resting'",
        RefusalReason::NoVersion,
        "it has no current version",
    ),
    (
        "update limits set dimension = 'images', rev = (select rev from cluster)",
        RefusalReason::LimitUnread,
        "a limit that this replica cannot read",
    ),
];

#[tokio::test]
async fn rows_that_are_not_believed_or_cannot_be_used_are_told_by_name() {
    for (edit, reason, words) in EDITS {
        let raided = Raided::new().await;
        let admin = raided.cluster.admin().await;
        admin.create_limit("a", requests(10, MINUTE)).await;
        raided.edit(edit).await;
        let call = of("pool-a");
        let (reasons, sentence) = raided.honest.told(&call).await;
        assert_eq!(reasons, [reason, reason], "{edit}");
        assert!(sentence.contains(words), "{edit}: {sentence}");
        let key = &raided.honest.explain(&call).await.keys[0].key;
        assert_eq!(key == KEY, !edit.contains("pool_members"), "{edit}: {key}");
    }
    let raided = Raided::new().await;
    raided
        .edit("update pools set strategy = 'weighted' where id = 'pool-b'")
        .await;
    let told = raided.honest.agrees(&of("pool-b")).await;
    assert_eq!(
        (told.reason(), told.keys.len()),
        (ErrorReason::KeysDistrusted, 0)
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_told_and_what_the_slot_serves_too() {
    let cluster = Cluster::alone(1).await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    let window = Duration::from_secs(2);
    let shared = proto::Limit {
        offline_share: Some(proto::OfflineShare {
            percent: 50,
            slots: 2,
            outage_max: Some(span(Duration::from_secs(10))),
        }),
        ..requests(40, window)
    };
    admin.create_limit("a", requests(40, window)).await;
    admin.create_limit("b", shared).await;
    admin.create_pool("p", &["a"]).await;
    admin.create_pool("shared", &["b"]).await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    let ready = async || {
        let told = caller.explain(&of("shared")).await;
        told.limits[0].slot_left == Some(10)
    };
    eventually("the replica has a slot that it may serve from", ready).await;
    cluster.database.signal_server("-STOP");
    for _ in 0..2 {
        let told = caller.agrees(&of("shared")).await;
        assert_eq!(told.chosen, "accounts/b/keys/k", "{told:#?}");
        assert_eq!(told.limits[0].remaining, None);
    }
    let (reasons, sentence) = caller.told(&of("p")).await;
    assert_eq!(
        reasons,
        [RefusalReason::Unreachable, RefusalReason::Unreachable]
    );
    assert!(
        sentence.contains("the database does not answer for it"),
        "{sentence}"
    );
    cluster.database.signal_server("-CONT");
}

#[tokio::test]
async fn limits_that_are_frozen_after_lost_writes_are_told() {
    let (cluster, admin, caller) = Cluster::serving(&["a"], "*").await;
    admin.create_limit("a", requests(10, MINUTE)).await;
    caller.lease("p").await;
    // As if the database had lost what was granted last.
    sqlx::query("update limit_ledgers set grant_number = 0")
        .execute(&cluster.database.pool)
        .await
        .unwrap();
    // Once what is in hand is over, whoever asks finds out.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (reasons, sentence) = caller.told(&of("p")).await;
    assert_eq!(reasons, [RefusalReason::Frozen, RefusalReason::Frozen]);
    assert!(sentence.contains("the database lost writes"), "{sentence}");
    let told = caller.explain(&of("p")).await;
    assert_eq!(told.reason(), ErrorReason::LimitsFrozen);
    let key = of_key(&told, KEY);
    assert!(key.retry_time.is_some());
}
