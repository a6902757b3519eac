//! How many passphrases a database keeps, and which of them a start tries.

use std::sync::Arc;
use std::time::Duration;

use keylease::crypto::{BootId, KeyRing, MasterKey, PassphraseParameters, Secret};
use keylease::store::master_keys::{self, PassphraseRow};
use keylease::vault::doctor::examine;
use keylease::vault::{
    Change, PassphraseError, PromoteMasterKey, RewrapKeys, Vault, VaultKeys, ring_of_passphrase,
};
use sqlx::AssertSqlSafe;

use crate::harness::postgres::Database;

fn phrase(text: &str) -> Secret {
    Secret::from_string(text.to_owned())
}

/// Stores what derives a cheap key of this passphrase.
async fn cheap(database: &Database, text: &str, salt: u8) -> MasterKey {
    let parameters = PassphraseParameters {
        salt: vec![salt; 16],
        memory_kib: 19_456,
        iterations: 2,
        parallelism: 1,
    };
    let key = MasterKey::from_passphrase(&phrase(text), &parameters).unwrap();
    let row = PassphraseRow {
        fingerprint: key.fingerprint().to_string(),
        salt: parameters.salt,
        memory_kib: 19_456,
        iterations: 2,
        parallelism: 1,
        replaces: None,
    };
    let mut conn = database.pool.acquire().await.unwrap();
    master_keys::register_passphrase(&mut conn, &row)
        .await
        .unwrap();
    key
}

async fn rows(database: &Database) -> i64 {
    let count = "select count(*) from master_keys where salt is not null";
    sqlx::query_scalar(count)
        .fetch_one(&database.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_passphrase_in_use_is_tried_however_many_came_later() {
    let database = Database::create().await;
    let used = cheap(&database, "correct horse battery", 1).await;
    let ring = KeyRing::new(used, vec![]).unwrap();
    let used = ring.first().fingerprint();
    VaultKeys::open(&database.pool, ring).await.unwrap();
    for salt in 2..6 {
        cheap(&database, "mistyped horse battery", salt).await;
    }
    // Newer ones do not push it out, and nothing is stored beyond what a start tries.
    let before = rows(&database).await;
    let ring = ring_of_passphrase(&database.pool, phrase("correct horse battery"), None)
        .await
        .unwrap();
    assert_eq!(ring.fingerprints(), [used]);
    assert_eq!(rows(&database).await, before);
    VaultKeys::open(&database.pool, ring).await.unwrap();
}

#[tokio::test]
async fn a_mistyped_passphrase_beside_a_key_is_not_kept_where_there_are_others() {
    let database = Database::create().await;
    let key = MasterKey::generate().unwrap();
    let file = KeyRing::new(key, vec![]).unwrap();
    VaultKeys::open(&database.pool, file.clone()).await.unwrap();
    let pool = &database.pool;
    let first = ring_of_passphrase(pool, phrase("correct horse battery"), Some(&file))
        .await
        .unwrap();
    let mistyped = ring_of_passphrase(pool, phrase("correct horse batery"), Some(&file)).await;
    assert!(matches!(mistyped, Err(PassphraseError::Wrong { .. })));
    assert_eq!(rows(&database).await, 1);
    // Beside the one that is known another is added, up to a bound.
    let known = KeyRing::join([file, first]).unwrap();
    for number in 0..3 {
        let text = format!("another horse battery {number}");
        ring_of_passphrase(pool, phrase(&text), Some(&known))
            .await
            .unwrap();
    }
    let more = ring_of_passphrase(pool, phrase("one horse too many"), Some(&known)).await;
    assert!(matches!(more, Err(PassphraseError::TooMany { max: 4 })));
    assert_eq!(rows(&database).await, 4);
}

#[tokio::test]
async fn what_an_earlier_release_left_under_a_weak_key_is_said_to_need_a_rewrap() {
    let database = Database::create().await;
    let text = "correct horse battery";
    let weak = cheap(&database, text, 1).await;
    let weak_print = weak.fingerprint().to_string();
    let ring = KeyRing::new(weak, vec![]).unwrap();
    VaultKeys::open(&database.pool, ring.clone()).await.unwrap();
    // The next start derives the stronger one.
    let ring = ring_of_passphrase(&database.pool, phrase(text), None)
        .await
        .unwrap();
    let keys = VaultKeys::open(&database.pool, ring.clone()).await.unwrap();
    let (pool, boot) = (database.pool.clone(), BootId::generate().unwrap());
    let vault = Vault::new(pool, Arc::new(keys), boot, Duration::from_mins(5));
    let vault = Arc::new(vault);
    let before = vault.get_master_key_status().await.unwrap();
    assert!(!before.needs_rewrap());
    // That release promoted it, and moved nothing to it.
    let change = || Change::by_system("PromoteMasterKey", "as before");
    let promoted = vault.change(change(), PromoteMasterKey(ring.first().fingerprint()));
    let promoted = promoted.await.unwrap();
    assert!(promoted.needs_rewrap());
    let behind: Vec<_> = promoted.left_behind().collect();
    assert_eq!(behind.len(), 1);
    assert_eq!(behind[0].row.fingerprint, weak_print);
    assert!(behind[0].is_weak && behind[0].row.wraps_cluster_key);
    let strong = promoted.master_keys.iter().find(|key| key.promoted);
    assert!(!strong.unwrap().is_weak);
    let report = examine(&database.pool, &ring, None).await.unwrap();
    let said = format!("the cluster key are wrapped with {weak_print} under weaker parameters");
    let is_said = |note: &String| note.contains("a rewrap is needed") && note.contains(&said);
    assert!(report.notes.iter().any(is_said), "{:?}", report.notes);
    let rewrap = RewrapKeys { rate_max: 1_000 };
    let asked = vault.change(change(), rewrap).await.unwrap();
    assert!(!asked.needs_rewrap());
}

#[tokio::test]
async fn a_master_key_that_becomes_known_is_on_record_once() {
    let database = Database::create().await;
    let ring = ring_of_passphrase(&database.pool, phrase("correct horse battery"), None)
        .await
        .unwrap();
    let print = ring.first().fingerprint();
    for _ in 0..2 {
        VaultKeys::open(&database.pool, ring.clone()).await.unwrap();
    }
    let keys = VaultKeys::open(&database.pool, ring.clone()).await.unwrap();
    let (pool, boot) = (database.pool.clone(), BootId::generate().unwrap());
    let vault = Arc::new(Vault::new(
        pool,
        Arc::new(keys),
        boot,
        Duration::from_mins(5),
    ));
    let late = KeyRing::new(MasterKey::generate().unwrap(), vec![]).unwrap();
    let late_print = late.first().fingerprint();
    let both = KeyRing::join([ring, late]).unwrap();
    vault.hold_ring(both).await.unwrap();
    let said = "select resource || ' ' || summary from audit_records where method = 'AddMasterKey' order by sequence";
    let said: Vec<String> = sqlx::query_scalar(AssertSqlSafe(said.to_owned()))
        .fetch_all(&database.pool)
        .await
        .unwrap();
    let known = "is known from now on, it comes from";
    assert_eq!(
        said,
        [
            format!("masterKeys/{print} {known} a passphrase"),
            format!("masterKeys/{late_print} {known} a file, a folder or a variable"),
        ]
    );
}
