//! Rotation: always exactly one current version, and the previous one until its leases have ended.

use keylease::domain::time::Timestamp;
use keylease::proto::admin_service_server::AdminService as _;
use keylease::proto::{self, RotationStep, VersionStage};
use tonic::Code;

use crate::harness::desk::{Desk, answered};
use crate::harness::keys::{KEY, reason, secret};

/// Later than any lease of today ends.
fn in_two_days() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    let micros = i64::try_from(since.as_micros()).unwrap();
    Timestamp::from_micros(micros + 2 * 86_400_000_000)
}

async fn stages(desk: &Desk) -> Vec<VersionStage> {
    let versions = desk.versions().await;
    versions.iter().map(proto::KeyVersion::stage).collect()
}

#[tokio::test]
async fn a_rotation_takes_effect_at_once_and_ends_when_the_previous_version_is_drained() {
    let desk = Desk::with_key().await;
    let etag = desk.key().await.etag;
    let rotation = desk.rotate("sk-second", false).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Draining);
    assert_eq!(rotation.from_version, "accounts/a/keys/k/versions/1");
    assert_eq!(rotation.to_version, "accounts/a/keys/k/versions/2");
    let key = desk.key().await;
    assert_eq!(key.current_version, rotation.to_version);
    assert_ne!(key.etag, etag);
    assert_eq!(
        stages(&desk).await,
        [VersionStage::Current, VersionStage::Previous]
    );

    let now = in_two_days();
    assert_eq!(
        desk.vault
            .revoke_drained(Timestamp::from_micros(0))
            .await
            .unwrap(),
        0
    );
    assert_eq!(stages(&desk).await[1], VersionStage::Previous);
    assert_eq!(desk.vault.revoke_drained(now).await.unwrap(), 1);
    assert_eq!(desk.vault.revoke_drained(now).await.unwrap(), 0);
    assert_eq!(
        stages(&desk).await,
        [VersionStage::Current, VersionStage::Revoked]
    );
    assert_eq!(desk.rows("select field from secrets").await.len(), 1);
    let name = rotation.name;
    let request = proto::GetRotationRequest { name };
    let read = answered(desk.admin.get_rotation(desk.ask(request)).await);
    assert_eq!(read.rotation.unwrap().step(), RotationStep::Done);
    let audit = desk.rows("select caller || ' ' || method || ' ' || resource from audit_records where method not in ('AddMasterKey', 'PromoteMasterKey') order by sequence").await;
    assert_eq!(
        audit[3],
        "system RevokeVersion accounts/a/keys/k/versions/1"
    );
    assert_eq!(audit.len(), 4);
}

#[tokio::test]
async fn the_previous_version_of_a_leaked_key_is_revoked_and_erased_at_once() {
    let desk = Desk::with_key().await;
    let rotation = desk.rotate("sk-second", true).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Done);
    assert_eq!(
        stages(&desk).await,
        [VersionStage::Current, VersionStage::Revoked]
    );
    assert_eq!(desk.rows("select field from secrets").await.len(), 1);
    // What is revoked is gone, so its secret may come back.
    desk.rotate("sk-first", false).await.unwrap();
}

#[tokio::test]
async fn a_key_without_a_version_gets_its_first_by_a_rotation() {
    let desk = Desk::open().await;
    desk.create_account("a").await.unwrap();
    let request = proto::CreateKeyRequest {
        parent: "accounts/a".to_owned(),
        key_id: "k".to_owned(),
        ..Default::default()
    };
    let key = answered(desk.admin.create_key(desk.ask(request)).await)
        .key
        .unwrap();
    assert_eq!(
        (key.current_version.as_str(), key.next_rotation_time),
        ("", None)
    );
    let rotation = desk.rotate("sk-first", false).await.unwrap();
    assert_eq!(
        (rotation.step(), rotation.from_version.as_str()),
        (RotationStep::Done, "")
    );
    assert_eq!(desk.key().await.current_version, rotation.to_version);
}

#[tokio::test]
async fn two_rotations_at_once_happen_one_after_the_other() {
    let desk = Desk::with_key().await;
    let (second, third) = tokio::join!(desk.rotate("sk-2", false), desk.rotate("sk-3", false));
    let mut made = [second.unwrap().to_version, third.unwrap().to_version];
    made.sort();
    assert_eq!(
        made,
        [2, 3].map(|number| format!("{KEY}/versions/{number}"))
    );
    let stages = stages(&desk).await;
    assert_eq!(
        stages,
        [
            VersionStage::Current,
            VersionStage::Previous,
            VersionStage::Previous
        ]
    );
}

#[tokio::test]
async fn of_two_rotations_by_the_same_etag_one_is_refused() {
    let desk = Desk::with_key().await;
    let etag = desk.key().await.etag;
    let rotate = |value: &str| {
        let request = proto::RotateKeyRequest {
            name: KEY.to_owned(),
            secret: Some(secret(value)),
            etag: etag.clone(),
            skip_test: true,
            ..Default::default()
        };
        desk.admin.rotate_key(desk.ask(request))
    };
    let (one, other) = tokio::join!(rotate("sk-2"), rotate("sk-3"));
    let results = [one, other];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(stages(&desk).await.len(), 2);
}

#[tokio::test]
async fn a_repeated_rotation_answers_the_first_and_another_secret_is_refused() {
    let desk = Desk::with_key().await;
    let request = |value: &str| proto::RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(value)),
        request_id: "r".to_owned(),
        skip_test: true,
        ..Default::default()
    };
    let first = answered(desk.admin.rotate_key(desk.ask(request("sk-2"))).await);
    let again = answered(desk.admin.rotate_key(desk.ask(request("sk-2"))).await);
    assert_eq!(first, again);
    let reused = desk.admin.rotate_key(desk.ask(request("sk-3"))).await;
    assert_eq!(reason(&reused.unwrap_err()), "REQUEST_ID_REUSED");
    assert_eq!(stages(&desk).await.len(), 2);
}

#[tokio::test]
async fn a_rotation_that_is_only_validated_changes_nothing() {
    let desk = Desk::with_key().await;
    let (marks, dump) = (desk.marks().await, desk.dump().await);
    let request = proto::RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret("sk-2")),
        validate_only: true,
        request_id: "r".to_owned(),
        skip_test: true,
        ..Default::default()
    };
    answered(desk.admin.rotate_key(desk.ask(request)).await);
    assert_eq!(desk.marks().await, marks);
    assert_eq!(desk.dump().await, dump);
}

#[tokio::test]
async fn rotations_and_versions_are_listed_newest_first_from_page_to_page() {
    let desk = Desk::with_key().await;
    for number in 2..=4 {
        desk.rotate(&format!("sk-{number}"), false).await.unwrap();
    }
    let request = |page_token: String| proto::ListRotationsRequest {
        parent: KEY.to_owned(),
        page_size: 2,
        page_token,
    };
    let first = answered(
        desk.admin
            .list_rotations(desk.ask(request(String::new())))
            .await,
    );
    let second = answered(
        desk.admin
            .list_rotations(desk.ask(request(first.next_page_token)))
            .await,
    );
    assert!(second.next_page_token.is_empty());
    let all = first.rotations.iter().chain(&second.rotations);
    let made: Vec<_> = all.map(|rotation| rotation.to_version.as_str()).collect();
    assert_eq!(
        made,
        [4, 3, 2].map(|number| format!("{KEY}/versions/{number}"))
    );
    let request = proto::ListKeyVersionsRequest {
        parent: KEY.to_owned(),
        page_size: 3,
        ..Default::default()
    };
    let page = answered(desk.admin.list_key_versions(desk.ask(request)).await);
    assert_eq!(page.key_versions.len(), 3);
    let request = proto::ListKeyVersionsRequest {
        parent: KEY.to_owned(),
        page_size: 3,
        page_token: page.next_page_token,
    };
    let page = answered(desk.admin.list_key_versions(desk.ask(request)).await);
    assert_eq!(page.key_versions[0].name, format!("{KEY}/versions/1"));
}
