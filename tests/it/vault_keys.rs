//! Master keys, and that no secret lies open in the database.

use keylease::crypto::{CallerToken, KeyRing, MasterKey, Secret};
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use keylease::vault::{OpenError, PassphraseError, VaultKeys, ring_of_passphrase};

use crate::harness::desk::{Desk, answered};
use crate::harness::postgres::Database;

fn ring_of(key: &MasterKey) -> KeyRing {
    let text = String::from_utf8(key.to_text().expose().to_vec()).unwrap();
    KeyRing::parse(&text).unwrap()
}

#[tokio::test]
async fn the_first_start_makes_the_cluster_key_and_the_next_opens_it() {
    let database = Database::create().await;
    let key = MasterKey::generate().unwrap();
    let (one, other) = tokio::join!(
        VaultKeys::open(&database.pool, ring_of(&key)),
        VaultKeys::open(&database.pool, ring_of(&key))
    );
    let again = VaultKeys::open(&database.pool, ring_of(&key))
        .await
        .unwrap();
    let secret = Secret::from_string("x".to_owned());
    let prints =
        [one.unwrap(), other.unwrap(), again].map(|keys| keys.fingerprint.fingerprint(&secret));
    assert_eq!(prints[0], prints[1]);
    assert_eq!(prints[0], prints[2]);
}

#[tokio::test]
async fn a_start_without_the_master_key_names_the_fingerprint_it_needs() {
    let database = Database::create().await;
    let (key, other) = (
        MasterKey::generate().unwrap(),
        MasterKey::generate().unwrap(),
    );
    VaultKeys::open(&database.pool, ring_of(&key))
        .await
        .unwrap();
    let refused = VaultKeys::open(&database.pool, ring_of(&other))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, OpenError::MissingMasterKey(missing) if missing.wanted == key.fingerprint())
    );
    assert!(refused.to_string().contains(&key.fingerprint().to_string()));
}

#[tokio::test]
async fn a_start_without_the_master_key_of_some_secret_is_refused_too() {
    let desk = Desk::with_key().await;
    let lost = MasterKey::generate().unwrap().fingerprint();
    desk.sql(&format!(
        "update secrets set master_key_fingerprint = '{lost}'"
    ))
    .await;
    let text = desk.vault.keys().ring().first().to_text();
    let ring = KeyRing::parse(std::str::from_utf8(text.expose()).unwrap()).unwrap();
    let refused = VaultKeys::open(&desk.database.pool, ring)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains(&lost.to_string()));
}

#[tokio::test]
async fn a_damaged_cluster_key_is_told_from_a_missing_one() {
    let database = Database::create().await;
    let key = MasterKey::generate().unwrap();
    VaultKeys::open(&database.pool, ring_of(&key))
        .await
        .unwrap();
    sqlx::query(
        "update cluster set wrapped_key = set_byte(wrapped_key, 70, get_byte(wrapped_key, 70) # 1)",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    let refused = VaultKeys::open(&database.pool, ring_of(&key))
        .await
        .unwrap_err();
    assert!(matches!(refused, OpenError::ClusterKeyDamaged));
}

#[tokio::test]
async fn a_passphrase_gives_the_same_master_key_at_every_start_and_another_is_refused() {
    let database = Database::create().await;
    let phrase = |text: &str| Secret::from_string(text.to_owned());
    let pool = &database.pool;
    let ring = ring_of_passphrase(pool, phrase("correct horse battery"), None)
        .await
        .unwrap();
    let fingerprint = ring.first().fingerprint();
    VaultKeys::open(pool, ring).await.unwrap();
    let again = ring_of_passphrase(pool, phrase("correct horse battery"), None)
        .await
        .unwrap();
    assert_eq!(again.first().fingerprint(), fingerprint);
    VaultKeys::open(pool, again).await.unwrap();
    let wrong = ring_of_passphrase(pool, phrase("incorrect horse battery"), None)
        .await
        .unwrap_err();
    assert!(matches!(&wrong, PassphraseError::Wrong { .. }));
    assert!(wrong.to_string().contains(&fingerprint.to_string()));
    assert!(!wrong.to_string().contains("horse"));
}

#[tokio::test]
async fn a_passphrase_for_a_database_of_a_master_key_file_names_the_key() {
    let database = Database::create().await;
    let key = MasterKey::generate().unwrap();
    VaultKeys::open(&database.pool, ring_of(&key))
        .await
        .unwrap();
    let phrase = Secret::from_string("correct horse battery".to_owned());
    let refused = ring_of_passphrase(&database.pool, phrase, None)
        .await
        .unwrap_err();
    let refused = refused.to_string();
    let named = key.fingerprint().to_string();
    assert!(refused.contains(&named) && refused.contains("this one is wrong"));
    assert!(!refused.contains("present:"), "{refused}");
}

#[tokio::test]
async fn a_cluster_key_that_is_gone_is_told_and_never_made_anew() {
    let desk = Desk::with_key().await;
    let pool = desk.vault.pool();
    desk.sql("update cluster set wrapped_key = null, master_key_fingerprint = null")
        .await;
    let key = MasterKey::generate().unwrap();
    let refused = VaultKeys::open(pool, ring_of(&key)).await.unwrap_err();
    assert!(
        refused.to_string().contains("restore the table cluster"),
        "{refused}"
    );
    desk.sql("update cluster set rev = 0").await;
    let refused = VaultKeys::open(pool, ring_of(&key)).await.unwrap_err();
    assert!(matches!(refused, OpenError::ClusterKeyGone), "{refused}");
    let phrase = Secret::from_string("correct horse battery".to_owned());
    let refused = ring_of_passphrase(pool, phrase, None).await.unwrap_err();
    assert!(
        refused.to_string().contains("restore the table cluster"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_status_of_master_keys_shows_what_each_still_wraps() {
    let desk = Desk::with_key().await;
    let request = proto::GetMasterKeyStatusRequest {};
    let status = answered(desk.admin.get_master_key_status(desk.ask(request)).await);
    let [key] = &status.master_keys[..] else {
        unreachable!("one master key")
    };
    assert!(key.present && key.promoted && key.wraps_cluster_key);
    assert_eq!((key.secrets, key.wraps), (1, 2));
}

#[tokio::test]
async fn a_master_key_that_has_wrapped_too_often_wraps_no_more() {
    let desk = Desk::with_key().await;
    desk.sql("update master_keys set wraps = 4000000000").await;
    let refused = desk.rotate("sk-second", false).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert!(refused.message().contains("mk_"));
    assert_eq!(desk.versions().await.len(), 1);
}

#[tokio::test]
async fn no_secret_lies_open_in_any_table() {
    const CANARY: &str = "sk-canary-7f3a9";
    let desk = Desk::open().await;
    desk.create_account("a").await.unwrap();
    let request = proto::CreateKeyRequest {
        parent: "accounts/a".to_owned(),
        key_id: "k".to_owned(),
        secret: Some(proto::Secret {
            fields: [
                ("id".to_owned(), format!("{CANARY}-0")),
                ("key".to_owned(), CANARY.to_owned()),
            ]
            .into(),
            ..Default::default()
        }),
        request_id: "r".to_owned(),
        ..Default::default()
    };
    answered(desk.admin.create_key(desk.ask(request)).await);
    desk.rotate(&format!("{CANARY}-2"), false).await.unwrap();
    desk.rotate(&format!("{CANARY}-2"), false)
        .await
        .unwrap_err();
    let caller = proto::CreateCallerRequest {
        caller_id: "c".to_owned(),
        ..Default::default()
    };
    answered(desk.admin.create_caller(desk.ask(caller)).await);
    let token = proto::CreateTokenRequest {
        parent: "callers/c".to_owned(),
        ..Default::default()
    };
    let token = answered(desk.admin.create_token(desk.ask(token)).await).text;
    assert!(CallerToken::parse(token.as_bytes()).is_ok());
    let dump = desk.dump().await;
    let hex = |text: &[u8]| {
        text.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert!(
        dump.contains("accounts/a/keys/k"),
        "the dump holds what it should"
    );
    assert!(!dump.contains(CANARY) && !dump.contains(&hex(CANARY.as_bytes())));
    let secret_part = &token.as_bytes()[18..];
    assert!(!dump.contains(std::str::from_utf8(secret_part).unwrap()));
    assert!(!dump.contains(&hex(secret_part)));
}

#[tokio::test]
async fn the_audit_is_listed_newest_first_and_by_resource() {
    let desk = Desk::with_key().await;
    desk.create_account("ab").await.unwrap();
    let request = |resource: &str, page_token: String| proto::ListAuditRecordsRequest {
        page_size: 1,
        page_token,
        resource: resource.to_owned(),
    };
    let first = answered(
        desk.admin
            .list_audit_records(desk.ask(request("accounts/a", String::new())))
            .await,
    );
    assert_eq!(first.records[0].resource, "accounts/a/keys/k");
    let next = request("accounts/a", first.next_page_token);
    let second = answered(desk.admin.list_audit_records(desk.ask(next)).await);
    assert_eq!(second.records[0].resource, "accounts/a");
    assert!(second.next_page_token.is_empty());
}

#[tokio::test]
async fn a_call_that_is_dropped_does_not_leave_its_change_half_way() {
    let desk = Desk::with_key().await;
    for attempt in 0..20 {
        let value = format!("sk-{attempt}");
        let call = desk.rotate(&value, false);
        let brief = std::time::Duration::from_micros(attempt * 300);
        drop(tokio::time::timeout(brief, call).await);
    }
    // Whatever was begun is now done or was never begun; the pool of connections is whole.
    let pool = desk.vault.pool();
    let is_idle = || usize::try_from(pool.size()).unwrap() == pool.num_idle();
    let mut idle = 0;
    while idle < 10 {
        // Calls that were dropped go on in tasks of their own, one after the other.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        idle = if is_idle() { idle + 1 } else { 0 };
    }
    let rotation = desk.rotate("sk-last", false).await.unwrap();
    assert_eq!(desk.key().await.current_version, rotation.to_version);
    let currents = desk
        .rows("select number::text from key_versions where stage = 'current'")
        .await;
    assert_eq!(currents.len(), 1);
    let counts = desk
        .rows("select (select count(*) from key_versions)::text || ' ' || (select count(*) from secrets)::text")
        .await;
    let (versions, secrets) = counts[0].split_once(' ').unwrap();
    assert_eq!(versions, secrets);
    // Connections go back in tasks of their own.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(is_idle());
}
