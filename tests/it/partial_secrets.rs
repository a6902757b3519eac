//! A credential of several parts, of which somebody removes some: nothing of it is leased, and every look says so.

use keylease::proto::admin_service_server::AdminService as _;
use keylease::proto::{self, Secret};
use keylease::vault::doctor::{Kind, examine};

use crate::harness::desk::{Desk, answered};

/// The key `accounts/a/keys/k` of two parts, in the pool `p`.
async fn of_two_parts() -> Desk {
    let desk = Desk::open().await;
    desk.create_account("a").await.unwrap();
    let parts = [("key_id", "AKIA"), ("key", "sk-part")];
    let request = proto::CreateKeyRequest {
        parent: "accounts/a".to_owned(),
        key_id: "k".to_owned(),
        secret: Some(Secret {
            fields: parts
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(desk.admin.create_key(desk.ask(request)).await);
    desk
}

/// How the replica has the version, taken up anew.
async fn is_leasable(desk: &Desk) -> bool {
    desk.sql(
        "update cluster set rev = rev + 1; update key_versions set rev = (select rev from cluster)",
    )
    .await;
    let rev: i64 = desk.rows("select rev::text from cluster").await[0]
        .parse()
        .unwrap();
    desk.vault.refresh(rev).await.unwrap();
    let snapshot = desk.vault.live().snapshot();
    let mut versions = snapshot.versions.values();
    versions.any(|version| version.credential.is_some())
}

#[tokio::test]
async fn a_credential_that_lacks_a_part_is_not_leased_and_is_named() {
    let desk = of_two_parts().await;
    let ring = (*desk.vault.keys().ring()).clone();
    let pool = &desk.database.pool;
    assert!(is_leasable(&desk).await);
    let report = examine(pool, &ring, None).await.unwrap();
    assert!(report.well, "{report:?}");
    desk.sql("create table kept as select * from secrets").await;
    for edit in [
        "delete from secrets where field = 'key_id'",
        "delete from secrets where field = 'key'",
        "update secrets set fingerprint = set_byte(fingerprint, 0, 1 # get_byte(fingerprint, 0)) where field = 'key'",
    ] {
        desk.sql(edit).await;
        assert!(!is_leasable(&desk).await, "{edit}");
        let report = examine(pool, &ring, None).await.unwrap();
        assert_eq!(
            report.counts.get(&Kind::SecretIncomplete),
            Some(&1),
            "{edit}"
        );
        assert_eq!(report.findings.len(), 1, "{edit}: {report:?}");
        assert_eq!(report.findings[0].resource, "accounts/a/keys/k/versions/1");
        let request = proto::GetKeyVersionRequest {
            name: "accounts/a/keys/k/versions/1".to_owned(),
        };
        let version = answered(desk.admin.get_key_version(desk.ask(request)).await);
        let shown = format!("{version:?}");
        assert!(
            shown.contains("parts of the secret are missing"),
            "{edit}: {shown}"
        );
        desk.sql("delete from secrets; insert into secrets select * from kept")
            .await;
    }
    assert!(is_leasable(&desk).await);
}
