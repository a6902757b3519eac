//! What a rotator is told to have revoked: never a secret that is in use, always what was made in vain, and not by whoever edits rows.

use std::time::Duration;

use keylease::proto::{
    AlertKind, DeleteRotatorRequest, ListAlertsRequest, ListAuditRecordsRequest, RotateKeyRequest,
    RotationStep, VersionStage,
};
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::keys::KEY;
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::rotator::{FIRST, Mode, Rotator, with_rotator};
use crate::harness::setup::{secret, span};

/// Rotates a secret in; the version before is kept for an hour.
async fn rotate_kept(probed: &Probed, value: &str) {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(value)),
        grace: Some(span(Duration::from_hours(1))),
        ..Default::default()
    };
    let rotation = probed.rotate_so(request).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Draining);
}

/// The grace of a version is over.
async fn ends(probed: &Probed, number: u32) {
    let over = format!(
        "update key_versions set keep_until = clock_timestamp() where number = {number} and stage = 'previous'"
    );
    assert_eq!(probed.sql(&over).await, 1);
}

/// Until a rotator that refused to revoke something has been asked in vain.
async fn is_unasked(probed: &Probed, to: u32) {
    let asked = format!(
        "update rotations set why = why where to_number = {to} and revocation is null and attempts > 0"
    );
    let is_unasked = async || probed.sql(&asked).await == 1;
    eventually("the rotator has refused", is_unasked).await;
}

/// What the audit says of the steps of rotations, newest first.
async fn said(probed: &Probed) -> Vec<String> {
    let request = ListAuditRecordsRequest::default();
    let answer = probed.admin.admin.clone().list_audit_records(request).await;
    let records = answer.unwrap().into_inner().records;
    let steps = records
        .into_iter()
        .filter(|r| r.method == "AdvanceRotation");
    steps.map(|record| record.summary).collect()
}

/// A rotation of the one that the rotator made first, which a person has then rotated back in: all leases of what was before are over.
async fn with_one_that_came_back() -> (Probed, Rotator) {
    let (probed, rotator) = with_rotator(1).await;
    probed.ask_for_one().await.unwrap();
    probed.reaches(2, RotationStep::Done).await;
    rotate_kept(&probed, "sk-Canary_Between_k2Lp9Zx").await;
    // The one that the rotator made is wanted again after all.
    rotate_kept(&probed, FIRST).await;
    ends(&probed, 2).await;
    probed.reaches(3, RotationStep::Done).await;
    (probed, rotator)
}

#[tokio::test]
async fn a_secret_that_came_back_is_not_revoked_with_the_version_that_had_it_before() {
    let (probed, rotator) = with_one_that_came_back().await;
    assert_eq!(probed.stages().await[2], VersionStage::Revoked);
    sleep(A_WHILE).await;
    assert_eq!(rotator.good(), [FIRST]);
    // It is revoked with the last version that has it, by the name that the provider gave it.
    rotate_kept(&probed, "sk-Canary_After_c8Vb4Nm").await;
    ends(&probed, 4).await;
    probed.reaches(5, RotationStep::Done).await;
    assert!(rotator.good().is_empty());
}

#[tokio::test]
async fn what_a_rotator_makes_after_its_rotation_was_given_up_is_revoked_by_name() {
    let (probed, rotator) = with_rotator(1).await;
    rotator.does(Mode::Dawdles);
    let asking = async {
        // It answers when it has waited for long enough.
        probed.ask_for_one().await.unwrap();
    };
    let cancelling = async {
        let is_asked = async || !rotator.heard("create").is_empty();
        eventually("the rotator is asked", is_asked).await;
        probed.cancel(2).await.unwrap();
        sleep(A_WHILE).await;
        // Whatever it has not made yet cannot be revoked.
        assert!(rotator.heard("revoke").is_empty());
        rotator.does(Mode::Works);
    };
    tokio::join!(asking, cancelling);
    let is_revoked = async || !rotator.heard("revoke").is_empty();
    eventually("what was made is revoked", is_revoked).await;
    assert_eq!(rotator.heard("revoke")[0]["revoke"]["reference"], "key_1");
    let is_clean = async || rotator.good().is_empty();
    eventually("the provider knows it no more", is_clean).await;
    assert_eq!(probed.caller.lease("p").await.version, 1);
    let is_told = async || said(&probed).await[0].contains("version 2 is revoked at its provider");
    eventually("it is on record", is_told).await;
}

#[tokio::test]
async fn whoever_edits_a_rotation_cannot_have_the_current_version_revoked() {
    let (probed, rotator) = with_rotator(1).await;
    probed.ask_for_one().await.unwrap();
    probed.reaches(2, RotationStep::Done).await;
    let revoked = rotator.heard("revoke").len();
    for edit in ["step = 'revoking', from_number = 2", "step = 'cancelled'"] {
        let due = "next_attempt_time = clock_timestamp(), is_held = false";
        let edited = format!("update rotations set {edit}, {due} where to_number = 2");
        assert_eq!(probed.sql(&edited).await, 1);
        let is_held = async || probed.rotation(2).await.held;
        eventually("a person is told", is_held).await;
        assert!(probed.rotation(2).await.detail.contains("not revoked"));
        assert_eq!(rotator.heard("revoke").len(), revoked);
        assert_eq!(rotator.good(), [FIRST]);
    }
}

#[tokio::test]
async fn whoever_edits_a_rotation_cannot_have_a_secret_revoked_that_came_back() {
    let (probed, rotator) = with_one_that_came_back().await;
    let asked = rotator.heard("revoke").len();
    let fake = "fingerprint = '\\x01'";
    for (to, edit) in [
        (3, "step = 'revoking'".to_owned()),
        (3, format!("step = 'revoking', {fake}")),
        (2, format!("step = 'cancelled', {fake}")),
    ] {
        let due = "next_attempt_time = clock_timestamp(), is_held = false";
        let edited = format!("update rotations set {edit}, {due} where to_number = {to}");
        assert_eq!(probed.sql(&edited).await, 1);
        let is_held = async || probed.rotation(to).await.held;
        eventually("a person is told", is_held).await;
        assert_eq!(rotator.heard("revoke").len(), asked, "{edit}");
        assert_eq!(rotator.good(), [FIRST]);
    }
}

#[tokio::test]
async fn what_a_rotator_has_not_made_is_left_to_a_person_and_not_said_to_be_revoked() {
    let (probed, rotator) = with_rotator(1).await;
    rotator.does(Mode::Disowns);
    probed.ask_for_one().await.unwrap();
    let is_held = async || probed.rotation(2).await.held;
    eventually("a person is told", is_held).await;
    assert_eq!(probed.rotation(2).await.step(), RotationStep::Revoking);
    let said = said(&probed).await;
    let first = "version 1 is not revoked at its provider";
    assert!(said[0].starts_with(first), "{said:?}");
    let told = eventually_some("an alert is open", async || {
        let request = ListAlertsRequest::default();
        let answer = probed.admin.admin.clone().list_alerts(request).await;
        let mut alerts = answer.unwrap().into_inner().alerts.into_iter();
        alerts.find(|alert| alert.kind() == AlertKind::RotationFailed)
    });
    assert!(told.await.summary.contains(first));
    // Who has revoked it says so.
    probed.cancel(2).await.unwrap();
    probed.reaches(2, RotationStep::Done).await;
}

#[tokio::test]
async fn a_name_that_was_edited_is_not_sent_and_a_person_is_told() {
    let (probed, rotator) = with_rotator(1).await;
    probed.ask_for_one().await.unwrap();
    probed.reaches(2, RotationStep::Done).await;
    let revoked = rotator.heard("revoke").len();
    let edited = "update provider_references set reference = 'key_of_another'";
    assert_eq!(probed.sql(edited).await, 1);
    rotate_kept(&probed, "sk-Canary_After_c8Vb4Nm").await;
    ends(&probed, 2).await;
    let is_held = async || probed.rotation(3).await.held;
    eventually("a person is told", is_held).await;
    assert_eq!(probed.rotation(3).await.step(), RotationStep::Revoking);
    assert_eq!(rotator.heard("revoke").len(), revoked);
}

#[tokio::test]
async fn a_secret_that_comes_back_before_its_provider_was_told_to_forget_it_stays_good() {
    let (probed, rotator) = with_rotator(1).await;
    probed.ask_for_one().await.unwrap();
    probed.reaches(2, RotationStep::Done).await;
    rotator.does(Mode::Answers(503));
    rotate_kept(&probed, "sk-Canary_After_c8Vb4Nm").await;
    ends(&probed, 2).await;
    probed.reaches(3, RotationStep::Revoking).await;
    is_unasked(&probed, 3).await;
    rotate_kept(&probed, FIRST).await;
    assert_eq!(probed.rotation(3).await.step(), RotationStep::Done);
    let noted = "update rotations set why = why where fingerprint is not null";
    assert_eq!(probed.sql(noted).await, 0);
    rotator.does(Mode::Works);
    sleep(A_WHILE).await;
    assert_eq!(rotator.good(), [FIRST]);
    // It is revoked by its name when it is replaced for good.
    rotate_kept(&probed, "sk-Canary_Last_h5Nq2Vx8").await;
    ends(&probed, 4).await;
    probed.reaches(5, RotationStep::Done).await;
    assert!(rotator.good().is_empty());
}

async fn delete_rotator(probed: &Probed) -> Result<(), Status> {
    let request = DeleteRotatorRequest {
        name: "accounts/a/rotator".to_owned(),
        ..Default::default()
    };
    let mut admin = probed.admin.admin.clone();
    admin.delete_rotator(request).await.map(drop)
}

#[tokio::test]
async fn a_rotator_is_not_deleted_while_it_has_something_to_do() {
    let (probed, rotator) = with_rotator(1).await;
    let refused_for = async |words: &str| {
        let refused = delete_rotator(&probed).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(words), "{refused}");
    };
    rotator.does(Mode::Answers(503));
    probed.ask_for_one().await.unwrap();
    refused_for("makes the secret of accounts/a/keys/k/rotations/2").await;
    rotator.does(Mode::Works);
    probed.reaches(2, RotationStep::Done).await;
    rotator.does(Mode::Keeps);
    rotate_kept(&probed, "sk-Canary_After_c8Vb4Nm").await;
    refused_for("accounts/a/keys/k/versions/2 drains").await;
    ends(&probed, 2).await;
    probed.reaches(3, RotationStep::Revoking).await;
    refused_for("accounts/a/keys/k/rotations/3 has yet to have version 2 revoked").await;
    // It is asked still, and nothing stays good of what is to be gone.
    assert_eq!(rotator.good(), [FIRST]);
    rotator.does(Mode::Works);
    probed.reaches(3, RotationStep::Done).await;
    assert!(rotator.good().is_empty());
    delete_rotator(&probed).await.unwrap();
}
