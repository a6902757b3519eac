//! Which master key is promoted, where somebody edits that who may write to the database and lacks the cluster key.

use std::sync::Arc;
use std::time::Duration;

use keylease::crypto::{BootId, Fingerprint, KeyRing, MasterKey, PromotionRow};
use keylease::vault::doctor::{Kind, examine};
use keylease::vault::{Change, PromoteMasterKey, RewrapKeys, Vault, VaultKeys};
use tonic::Code;

use crate::harness::desk::Desk;

/// What a database writer keeps of the promotion, and puts back.
const KEEP: &str =
    "create table kept as select promoted_master_key, promotion_number, promoted_mac from cluster";
const PUT_BACK: &str = "update cluster c set promoted_master_key = k.promoted_master_key, promotion_number = k.promotion_number,
    promoted_mac = k.promoted_mac from kept k";

/// What hides that there was one.
const EMPTY: &str =
    "update cluster set promoted_master_key = null, promotion_number = null, promoted_mac = null";

fn ring_of(keys: &[&MasterKey]) -> KeyRing {
    let texts = keys.iter().map(|key| key.to_text().expose().to_vec());
    let lines: Vec<String> = texts.map(|text| String::from_utf8(text).unwrap()).collect();
    KeyRing::parse(&lines.join("\n")).unwrap()
}

/// Another replica of the same database, with this ring.
async fn replica(desk: &Desk, ring: KeyRing) -> Arc<Vault> {
    let pool = desk.database.pool.clone();
    let keys = VaultKeys::open(&pool, ring).await.unwrap();
    let boot = BootId::generate().unwrap();
    let vault = Vault::new(pool, Arc::new(keys), boot, Duration::from_mins(5));
    Arc::new(vault)
}

/// A replica that holds the first master key and another, which comes first where asked for.
async fn with_another(desk: &Desk, comes_first: bool) -> (MasterKey, KeyRing) {
    let other = MasterKey::generate().unwrap();
    let mut rings = [(*desk.vault.keys().ring()).clone(), ring_of(&[&other])];
    if comes_first {
        rings.reverse();
    }
    let both = KeyRing::join(rings).unwrap();
    desk.vault.hold_ring(both.clone()).await.unwrap();
    (other, both)
}

async fn promote(vault: &Arc<Vault>, key: Fingerprint) {
    let change = Change::by_system("PromoteMasterKey", "test");
    vault.change(change, PromoteMasterKey(key)).await.unwrap();
}

async fn promoted(desk: &Desk) -> String {
    let rows = desk.rows("select promoted_master_key from cluster").await;
    rows.into_iter().next().unwrap()
}

async fn seals_nothing(desk: &Desk) {
    let refused = desk.create_key("a", "k2", "sk-second").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("outside of"), "{refused}");
}

#[tokio::test]
async fn what_a_row_says_to_replace_is_not_promoted() {
    let desk = Desk::with_key().await;
    let first = desk.vault.keys().ring().first().fingerprint();
    let (leaked, _) = with_another(&desk, false).await;
    desk.sql(&format!(
        "update master_keys set replaces = '{first}' where fingerprint = '{}'",
        leaked.fingerprint()
    ))
    .await;
    desk.vault.promote_replacement().await.unwrap();
    assert_eq!(promoted(&desk).await, first.to_string());
}

#[tokio::test]
async fn an_earlier_promotion_that_is_put_back_is_refused_until_one_is_promoted_again() {
    let desk = Desk::with_key().await;
    desk.sql(KEEP).await;
    let (new, both) = with_another(&desk, false).await;
    promote(&desk.vault, new.fingerprint()).await;
    // A replica looks every few seconds.
    desk.vault.promote_replacement().await.unwrap();
    desk.sql(PUT_BACK).await;
    seals_nothing(&desk).await;
    desk.vault.promote_replacement().await.unwrap();
    seals_nothing(&desk).await;
    promote(&desk.vault, new.fingerprint()).await;
    desk.create_key("a", "k2", "sk-second").await.unwrap();
    // The next one counts for a replica that had not promoted it, too.
    let other = replica(&desk, both).await;
    promote(&other, new.fingerprint()).await;
    assert_eq!(promoted(&desk).await, new.fingerprint().to_string());
}

#[tokio::test]
async fn a_change_that_was_only_validated_refuses_no_promotion_later() {
    let desk = Desk::with_key().await;
    let (new, _) = with_another(&desk, false).await;
    let mut change = Change::by_system("PromoteMasterKey", "test");
    change.validate_only = true;
    let verb = PromoteMasterKey(new.fingerprint());
    desk.vault.change(change, verb).await.unwrap();
    desk.vault.promote_replacement().await.unwrap();
    desk.create_key("a", "k2", "sk-second").await.unwrap();
}

#[tokio::test]
async fn a_promotion_that_was_emptied_promotes_no_key_that_does_not_wrap_the_cluster_key() {
    let desk = Desk::with_key().await;
    let (leaked, both) = with_another(&desk, true).await;
    desk.sql(EMPTY).await;
    seals_nothing(&desk).await;
    replica(&desk, both).await;
    seals_nothing(&desk).await;
    assert_ne!(
        desk.rows("select coalesce(promoted_master_key, '') from cluster")
            .await,
        [leaked.fingerprint().to_string()]
    );
}

#[tokio::test]
async fn a_promotion_of_an_earlier_release_is_taken_over_once_and_on_record() {
    let desk = Desk::with_key().await;
    let ring = (*desk.vault.keys().ring()).clone();
    let first = ring.first().fingerprint().to_string();
    let row = PromotionRow {
        master_key: &first,
        number: None,
    };
    let mac = desk.vault.keys().mac.of_row(&row);
    let mac: String = mac.map(|byte| format!("{byte:02x}")).concat();
    desk.sql(&format!(
        "update cluster set promotion_number = null, promoted_mac = '\\x{mac}'"
    ))
    .await;
    // This process has seen a later one, and the next has not.
    seals_nothing(&desk).await;
    let next = replica(&desk, ring.clone()).await;
    promote(&next, ring.first().fingerprint()).await;
    let numbered = "select promotion_number::text from cluster";
    assert_eq!(desk.rows(numbered).await, ["1"]);
    desk.create_key("a", "k2", "sk-second").await.unwrap();
    let recorded = "select resource || ' ' || summary from audit_records where method = 'PromoteMasterKey' order by sequence";
    let recorded = desk.rows(recorded).await;
    assert_eq!(
        recorded[..2],
        [
            format!("masterKeys/{first} is the first that is promoted"),
            format!("masterKeys/{first} was promoted by an earlier release"),
        ]
    );
}

#[tokio::test]
async fn a_mark_of_the_doctor_tells_of_an_earlier_promotion_where_no_replica_can() {
    let desk = Desk::with_key().await;
    desk.sql(KEEP).await;
    let (new, both) = with_another(&desk, false).await;
    promote(&desk.vault, new.fingerprint()).await;
    let pool = &desk.database.pool;
    let before = examine(pool, &both, None).await.unwrap();
    let mark = before.mark.unwrap();
    assert!(examine(pool, &both, Some(&mark)).await.unwrap().well);
    desk.sql(PUT_BACK).await;
    let report = examine(pool, &both, Some(&mark)).await.unwrap();
    assert_eq!(report.counts.get(&Kind::WentBack), Some(&1), "{report:?}");
    assert_eq!(report.findings[0].resource, "the promoted master key");
    assert!(
        report.mark.is_none(),
        "the mark is kept until it is seen to"
    );
}

#[tokio::test]
async fn a_promotion_that_was_emptied_is_told_and_none_is_made_of_the_key_before_it() {
    let desk = Desk::with_key().await;
    let (new, both) = with_another(&desk, false).await;
    promote(&desk.vault, new.fingerprint()).await;
    desk.sql(EMPTY).await;
    let pool = &desk.database.pool;
    let is_told = async || {
        let report = examine(pool, &both, None).await.unwrap();
        assert_eq!(report.counts.get(&Kind::MacWrong), Some(&1), "{report:?}");
        assert_eq!(report.findings[0].resource, "the promoted master key");
    };
    is_told().await;
    // The key before it wraps the cluster key still, and comes first.
    let fresh = replica(&desk, both.clone()).await;
    let none = "select 'none' from cluster where promoted_master_key is null";
    assert_eq!(desk.rows(none).await, ["none"]);
    seals_nothing(&desk).await;
    is_told().await;
    // Without the count of chains the record of it says the same.
    desk.sql("delete from audit_standing").await;
    replica(&desk, both.clone()).await;
    assert_eq!(desk.rows(none).await, ["none"]);
    // What a person promotes there counts for those that had seen what was lost.
    promote(&fresh, new.fingerprint()).await;
    desk.create_key("a", "k2", "sk-second").await.unwrap();
}

#[tokio::test]
async fn a_promotion_is_noted_at_once_by_who_makes_it_and_by_who_seals_with_it() {
    let desk = Desk::with_key().await;
    desk.sql(KEEP).await;
    let (new, both) = with_another(&desk, false).await;
    let other = replica(&desk, both).await;
    promote(&other, new.fingerprint()).await;
    desk.create_key("a", "k1", "sk-sealed").await.unwrap();
    // No replica has looked by itself meanwhile.
    desk.sql(PUT_BACK).await;
    seals_nothing(&desk).await;
    let change = Change::by_system("RewrapKeys", "test");
    let rewrap = RewrapKeys { rate_max: 1_000 };
    let refused = other.change(change, rewrap).await.unwrap_err();
    assert!(refused.to_string().contains("outside of"), "{refused}");
}
