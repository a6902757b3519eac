//! `keylease doctor` looks at who makes secrets and what providers call them, and the audit says what became of those, not who was asked how.

use keylease::proto::{DeleteRotatorRequest, RotateKeyRequest, RotationStep};

use crate::harness::asked::Answer;
use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::probed::Probed;
use crate::harness::rotator::Rotator;

const OLD: &str = "sk-Canary_Before_w3Rt7Yp";
const MINTED: &str = "sk-Canary_Minted_1_h5Nq2Vx8";

/// An account with a rotator.
async fn with_rotator() -> (Probed, Rotator) {
    let probed = Probed::start(1, OLD, false).await;
    let rotator = Rotator::start().await;
    probed.set_rotator(&rotator).await;
    (probed, rotator)
}

async fn rotate(probed: &Probed) {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
}

async fn audited(probed: &Probed, method: &str) -> String {
    let said = "select coalesce(string_agg(summary, '; ' order by sequence), '') from audit_records where method = $1";
    let pool = &probed.cluster.database.pool;
    let said = sqlx::query_scalar(said).bind(method).fetch_one(pool).await;
    said.unwrap()
}

#[tokio::test]
async fn a_rotator_and_a_reference_that_were_edited_are_found_and_named() {
    let (probed, _rotator) = with_rotator().await;
    rotate(&probed).await;
    let is_made = async || probed.versions().await.len() == 2;
    eventually("a secret is made", is_made).await;
    let well = probed.cluster.doctor(&[]);
    assert!(well.is_well(), "{}", well.text());
    for (edit, undo, named) in [
        (
            "update rotators set url = 'https://evil.example/', generation = generation",
            "update rotators r set url = k.url from kept_rotators k",
            "the rotator of accounts/a",
        ),
        (
            "update provider_references set reference = 'key_other'",
            "update provider_references r set reference = k.reference from kept_references k where k.version_uid = r.version_uid",
            "what the provider calls the secret of accounts/a/keys/k/versions/2",
        ),
    ] {
        for keep in [
            "create table if not exists kept_rotators as select * from rotators",
            "create table if not exists kept_references as select * from provider_references",
            edit,
        ] {
            probed.sql(keep).await;
        }
        let found = probed.cluster.doctor(&[]);
        assert_eq!(found.count("mac_wrong"), 1, "{edit}: {}", found.text());
        assert!(found.text().contains(named), "{edit}: {}", found.text());
        probed.sql(undo).await;
    }
    assert!(probed.cluster.doctor(&[]).is_well());
}

#[tokio::test]
async fn a_secret_that_is_revoked_after_a_rotation_was_given_up_is_on_record_and_no_address_is() {
    let (probed, rotator) = with_rotator().await;
    probed.provider.tell(MINTED, Answer::invalid());
    rotate(&probed).await;
    probed.is_refused(2).await;
    probed.cancel(2).await.unwrap();
    let is_clean = async || rotator.good().is_empty();
    eventually("it is revoked at the provider", is_clean).await;
    let is_told = async || {
        audited(&probed, "AdvanceRotation")
            .await
            .contains("revoked")
    };
    eventually("that is on record", is_told).await;
    assert_eq!(probed.rotation(2).await.step(), RotationStep::Cancelled);
    // The path may hold a token.
    let set = audited(&probed, "SetRotator").await;
    assert_eq!(set, "asks http://127.0.0.1");
}

#[tokio::test]
async fn an_older_rotator_that_was_put_back_is_told_also_after_it_was_deleted() {
    let (probed, _rotator) = with_rotator().await;
    probed
        .sql("create table kept_rotators as select * from rotators")
        .await;
    let set = probed.try_rotator("http://127.0.0.1:9/other").await;
    set.unwrap();
    let told = |undone: &str| {
        let found = probed.cluster.doctor(&[]);
        assert_eq!(found.count("row_back"), 1, "{}", found.text());
        assert!(found.text().contains("the rotator of accounts/a"));
        assert!(found.text().contains(undone), "{}", found.text());
    };
    assert!(probed.cluster.doctor(&[]).is_well());
    probed
        .sql("update rotators r set url = k.url, mac = k.mac from kept_rotators k")
        .await;
    told("(SetRotator of accounts/a/rotator by callers/");
    let request = DeleteRotatorRequest {
        name: "accounts/a/rotator".to_owned(),
        ..Default::default()
    };
    let mut admin = probed.admin.admin.clone();
    admin.delete_rotator(request).await.unwrap();
    assert!(probed.cluster.doctor(&[]).is_well());
    probed
        .sql("insert into rotators select * from kept_rotators")
        .await;
    told("(DeleteRotator of accounts/a/rotator by callers/");
}
