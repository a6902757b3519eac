//! Rings of master keys within one process: keys that come late, passphrases that grow stronger, and a promotion that was edited.

use std::sync::Arc;
use std::time::Duration;

use keylease::crypto::{BootId, KeyRing, MasterKey, PassphraseParameters, Secret};
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use keylease::store::master_keys::{self, PassphraseRow};
use keylease::vault::{
    Change, PromoteMasterKey, RetireMasterKey, RewrapStep, Vault, VaultKeys, ring_of_passphrase,
};

use crate::harness::desk::{Desk, answered};
use crate::harness::postgres::Database;

fn ring_of(keys: &[&MasterKey]) -> KeyRing {
    let texts = keys.iter().map(|key| key.to_text().expose().to_vec());
    let lines: Vec<String> = texts.map(|text| String::from_utf8(text).unwrap()).collect();
    KeyRing::parse(&lines.join("\n")).unwrap()
}

async fn vault_on(database: &Database, ring: KeyRing) -> Arc<Vault> {
    let keys = VaultKeys::open(&database.pool, ring).await.unwrap();
    let boot = BootId::generate().unwrap();
    let age = Duration::from_mins(5);
    Arc::new(Vault::new(database.pool.clone(), Arc::new(keys), boot, age))
}

#[tokio::test]
async fn what_did_not_open_for_want_of_a_master_key_opens_once_that_is_given() {
    let desk = Desk::with_key().await;
    let first = desk.vault.keys().ring();
    let late = MasterKey::generate().unwrap();
    desk.vault.refresh(0).await.unwrap();
    let both = KeyRing::join([(*first).clone(), ring_of(&[&late])]).unwrap();
    let other = vault_on(&desk.database, both.clone()).await;
    let change = Change::by_system("PromoteMasterKey", "test");
    let verb = PromoteMasterKey(late.fingerprint());
    other.change(change, verb).await.unwrap();
    // This replica cannot seal now, and says which key it lacks.
    let refused = desk.create_key("a", "k2", "sk-second").await.unwrap_err();
    assert!(
        refused.message().contains(&late.fingerprint().to_string()),
        "{refused}"
    );
    desk.vault.hold_ring(both).await.unwrap();
    desk.create_key("a", "k2", "sk-second").await.unwrap();
    let request = proto::GetMasterKeyStatusRequest {};
    let status = answered(desk.admin.get_master_key_status(desk.ask(request)).await);
    let promoted = status.master_keys.iter().find(|key| key.promoted).unwrap();
    assert_eq!((promoted.secrets, promoted.present), (1, true));
}

#[tokio::test]
async fn a_master_key_is_not_promoted_while_a_replica_that_is_cut_off_may_lease_without_it() {
    let desk = Desk::with_key().await;
    let late = MasterKey::generate().unwrap();
    let ring = (*desk.vault.keys().ring()).clone();
    let both = KeyRing::join([ring, ring_of(&[&late])]).unwrap();
    desk.vault.hold_ring(both).await.unwrap();
    let promote = async || {
        let request = proto::PromoteMasterKeyRequest {
            fingerprint: late.fingerprint().to_string(),
            ..Default::default()
        };
        desk.admin.promote_master_key(desk.ask(request)).await
    };
    desk.sql(
        "insert into replicas (boot_id, address, version, formats, heartbeat_time)
        values (gen_random_uuid(), '192.0.2.7:1', '0', 1, clock_timestamp() - interval '1 minute')",
    )
    .await;
    let refused = promote().await.unwrap_err();
    assert!(refused.message().contains("192.0.2.7:1"), "{refused}");
    // It may have been told to go on for an hour without the database, no longer.
    desk.sql("update replicas set heartbeat_time = heartbeat_time - interval '1 hour'")
        .await;
    answered(promote().await);
}

#[tokio::test]
async fn a_promotion_that_was_edited_seals_nothing_until_one_is_promoted_again() {
    let desk = Desk::with_key().await;
    let first = desk.vault.keys().ring().first().fingerprint();
    let old = MasterKey::generate().unwrap();
    let ring = (*desk.vault.keys().ring()).clone();
    let both = KeyRing::join([ring, ring_of(&[&old])]).unwrap();
    desk.vault.hold_ring(both).await.unwrap();
    let print = old.fingerprint();
    desk.sql(&format!(
        "update cluster set promoted_master_key = '{print}'"
    ))
    .await;
    let refused = desk.create_key("a", "k2", "sk-second").await.unwrap_err();
    assert!(
        refused.message().contains("outside of keylease"),
        "{refused}"
    );
    let request = proto::PromoteMasterKeyRequest {
        fingerprint: first.to_string(),
        ..Default::default()
    };
    answered(desk.admin.promote_master_key(desk.ask(request)).await);
    desk.create_key("a", "k2", "sk-second").await.unwrap();
}

fn phrase() -> Secret {
    Secret::from_string("correct horse battery".to_owned())
}

/// The key of the passphrase as a release would have made it that took less trouble.
fn weak() -> (MasterKey, PassphraseRow) {
    let parameters = PassphraseParameters {
        salt: vec![7; 16],
        memory_kib: 19_456,
        iterations: 2,
        parallelism: 1,
    };
    let key = MasterKey::from_passphrase(&phrase(), &parameters).unwrap();
    let row = PassphraseRow {
        fingerprint: key.fingerprint().to_string(),
        salt: parameters.salt,
        memory_kib: 19_456,
        iterations: 2,
        parallelism: 1,
        replaces: None,
    };
    (key, row)
}

#[tokio::test]
async fn a_passphrase_under_weak_parameters_gives_a_stronger_key_that_takes_over_by_itself() {
    let database = Database::create().await;
    let (key, row) = weak();
    let print = key.fingerprint();
    let mut conn = database.pool.acquire().await.unwrap();
    master_keys::register_passphrase(&mut conn, &row)
        .await
        .unwrap();
    let vault = vault_on(&database, ring_of(&[&key])).await;
    drop(vault);
    // The next start, and one at the same time, derive both, and the same two.
    let (one, other) = tokio::join!(
        ring_of_passphrase(&database.pool, phrase(), None),
        ring_of_passphrase(&database.pool, phrase(), None)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.fingerprints(), other.fingerprints());
    assert_eq!(
        (one.fingerprints().len(), one.fingerprints()[1]),
        (2, print)
    );
    let strong = one.first().fingerprint();
    let vault = vault_on(&database, one).await;
    vault.promote_replacement().await.unwrap();
    while vault.rewrap_step().await.unwrap() != RewrapStep::Idle {}
    let status = vault.get_master_key_status().await.unwrap();
    let strong_key = status.master_keys.iter().find(|key| key.promoted).unwrap();
    assert_eq!(strong_key.row.fingerprint, strong.to_string());
    assert!(strong_key.row.wraps_cluster_key && strong_key.row.is_of_passphrase);
    // It is not stretched a third time.
    let again = ring_of_passphrase(&database.pool, phrase(), None)
        .await
        .unwrap();
    assert_eq!(again.fingerprints(), [strong, print]);
    // Retired, it is no help to whoever guesses at the passphrase.
    let retire = RetireMasterKey {
        fingerprint: print,
        retention: Duration::ZERO,
    };
    let change = Change::by_system("RetireMasterKey", "test");
    vault.change(change, retire).await.unwrap();
    let kept: Option<Vec<u8>> =
        sqlx::query_scalar("select salt from master_keys where fingerprint = $1")
            .bind(print.to_string())
            .fetch_one(&database.pool)
            .await
            .unwrap();
    assert_eq!(kept, None);
    let again = ring_of_passphrase(&database.pool, phrase(), None)
        .await
        .unwrap();
    assert_eq!(again.fingerprints(), [strong]);
}

#[tokio::test]
async fn a_passphrase_is_added_beside_the_keys_that_open_the_vault() {
    let database = Database::create().await;
    let key = MasterKey::generate().unwrap();
    vault_on(&database, ring_of(&[&key])).await;
    let given = ring_of(&[&key]);
    let (one, other) = tokio::join!(
        ring_of_passphrase(&database.pool, phrase(), Some(&given)),
        ring_of_passphrase(&database.pool, phrase(), Some(&given))
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.fingerprints(), other.fingerprints());
    let vault = vault_on(&database, KeyRing::join([given, one.clone()]).unwrap()).await;
    let change = Change::by_system("PromoteMasterKey", "test");
    let verb = PromoteMasterKey(one.first().fingerprint());
    vault.change(change, verb).await.unwrap();
}

/// A table that seals something of its own has to be moved by a rewrap, counted by the status, and opened by the doctor: whoever adds one
/// is reminded here.
#[tokio::test]
async fn every_column_that_names_a_master_key_is_known_to_the_rewrap() {
    let desk = Desk::open().await;
    let columns = desk
        .rows(
            "select table_name || '.' || column_name from information_schema.columns
            where table_schema = 'public' and (column_name like '%master_key%' or column_name like 'wrapped%') order by 1",
        )
        .await;
    assert_eq!(
        columns,
        [
            "cluster.master_key_fingerprint",
            "cluster.promoted_master_key",
            "cluster.wrapped_key",
            "replicas.master_keys",
            "rewraps.master_key_fingerprint",
            "secrets.master_key_fingerprint",
            "secrets.wrapped_dek",
        ]
    );
}
