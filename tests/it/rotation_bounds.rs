//! What goes wrong with one rotation keeps no other, and a rotator that was away is not asked for everything at once when it is back.

use std::time::Duration;

use keylease::proto::{
    AlertKind, DeleteKeyRequest, ListAlertsRequest, RotateKeyRequest, RotationStep, VersionStage,
};
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::keys::KEY;
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::rotator::{Mode, OLD, with_rotator};
use crate::harness::setup::{secret, span};

const BAD: &str = "accounts/a/keys/bad";

/// Rotates a secret into a key; the version before has no grace.
async fn rotate(probed: &Probed, key: &str, value: &str) {
    let request = RotateKeyRequest {
        name: key.to_owned(),
        secret: Some(secret(value)),
        grace: Some(span(Duration::ZERO)),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
}

async fn delete(probed: &Probed) -> Result<(), Status> {
    let request = DeleteKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    let answer = probed.admin.admin.clone().delete_key(request).await;
    answer.map(drop)
}

/// The rotation's next try is due, and it was tried so often.
async fn tried(probed: &Probed, attempts: u32) {
    let due = format!(
        "update rotations set attempts = {attempts}, next_attempt_time = clock_timestamp() where next_attempt_time is not null"
    );
    assert_eq!(probed.sql(&due).await, 1);
}

#[tokio::test]
async fn a_key_whose_row_was_edited_keeps_no_other_from_being_rotated() {
    let (probed, rotator) = with_rotator(1).await;
    let bad = probed.admin.create_key("a", "bad", "sk-Canary_Bad_1");
    bad.await;
    probed.cluster.settled().await;
    // No replica has read it anew.
    let edited = "update keys set mac = decode('00', 'hex') where id = 'bad'";
    assert_eq!(probed.sql(edited).await, 1);
    let aged = "with next as (update cluster set rev = rev + 1 returning rev)
        update key_versions v set rev = next.rev,
            promote_time = clock_timestamp() - case k.id when 'bad' then 400 else 200 end * interval '1 day'
        from next, keys k where k.uid = v.key_uid";
    assert_eq!(probed.sql(aged).await, 2);
    let begins = async || rotator.heard("create").len() == 1;
    eventually("the other one is rotated", begins).await;
    assert_eq!(rotator.heard("create")[0]["key"], KEY);
    let said = probed.cluster.replicas[0].said();
    assert!(said.contains("a rotation that is due cannot begin"));
}

#[tokio::test]
async fn a_version_that_cannot_be_revoked_keeps_no_other_and_no_step() {
    let probed = Probed::start(1, OLD, false).await;
    probed.admin.create_key("a", "bad", "sk-Canary_Bad_1").await;
    let failing = "create function failing() returns trigger language plpgsql as $$ begin
        if new.stage = 'revoked' and exists (select from keys where uid = new.key_uid and id = 'bad') then
            raise exception 'this one fails'; end if; return new; end $$";
    probed.sql(failing).await;
    let laid = "create trigger failing before update on key_versions for each row execute function failing()";
    probed.sql(laid).await;
    rotate(&probed, BAD, "sk-Canary_Bad_2").await;
    rotate(&probed, KEY, "sk-Canary_Well_2").await;
    let is_revoked = async || probed.stages().await[1] == VersionStage::Revoked;
    eventually("the other one is revoked", is_revoked).await;
    let said = probed.cluster.replicas[0].said();
    assert!(said.contains("a previous version cannot be revoked"));
    // Steps are taken as well.
    probed.provider.tell(
        "sk-Canary_Well_3",
        crate::harness::asked::Answer::of(503, "{}"),
    );
    rotate(&probed, KEY, "sk-Canary_Well_3").await;
    probed.provider.tell(
        "sk-Canary_Well_3",
        crate::harness::asked::Answer::of(200, "{}"),
    );
    let is_current = async || probed.stages().await[0] == VersionStage::Current;
    eventually("the next one is tested again", is_current).await;
}

#[tokio::test]
async fn a_rotator_is_asked_for_a_bounded_number_a_minute() {
    let (probed, rotator) = with_rotator(2).await;
    let over = "insert into rotations (uid, key_uid, id, step, to_number, reason, origin, next_attempt_time)
        select gen_random_uuid(), uid, n::text, 'cancelled', n, '', 'rotator', clock_timestamp()
        from keys, generate_series(100, 169) n where id = 'k'";
    assert_eq!(probed.sql(over).await, 70);
    let many = async || rotator.heard("revoke").len() >= 60;
    eventually("many are asked for", many).await;
    sleep(A_WHILE).await;
    assert_eq!(rotator.heard("revoke").len(), 60);
    // A minute later the others are.
    let later = "update rotators set asked_since = asked_since - interval '2 minutes'";
    assert_eq!(probed.sql(later).await, 1);
    let all = async || rotator.heard("revoke").len() == 70;
    eventually("the others are asked for", all).await;
}

#[tokio::test]
async fn a_rotator_that_is_away_for_an_hour_is_told_of_and_goes_on_by_itself_when_it_is_back() {
    let (probed, rotator) = with_rotator(1).await;
    rotator.does(Mode::Answers(503));
    probed.ask_for_one().await.unwrap();
    tried(&probed, 17).await;
    let told = eventually_some("people are told", async || {
        let request = ListAlertsRequest::default();
        let answer = probed.admin.admin.clone().list_alerts(request).await;
        let mut alerts = answer.unwrap().into_inner().alerts.into_iter();
        alerts.find(|alert| alert.kind() == AlertKind::RotationFailed)
    });
    let told = told.await;
    assert!(told.summary.contains("in vain for an hour"), "{told:?}");
    assert!(told.remedy.contains("rotations retry"), "{told:?}");
    let rotation = probed.rotation(2).await;
    assert!(!rotation.held && rotation.next_attempt_time.is_some());
    rotator.does(Mode::Works);
    tried(&probed, 18).await;
    probed.reaches(2, RotationStep::Done).await;
}

/// The grace of the version that drains is over.
async fn ends(probed: &Probed) {
    let over = "update key_versions set keep_until = clock_timestamp() where stage = 'previous'";
    assert_eq!(probed.sql(over).await, 1);
}

#[tokio::test]
async fn a_key_is_not_deleted_before_its_provider_has_forgotten_what_it_is_to_forget() {
    let (probed, rotator) = with_rotator(1).await;
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        grace: Some(span(Duration::from_hours(1))),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
    probed.reaches(2, RotationStep::Draining).await;
    let refused = delete(&probed).await.unwrap_err();
    let message = refused.message();
    assert!(
        message.contains("versions/1 drains") && message.contains("revoke_previous_now"),
        "{message}"
    );
    rotator.does(Mode::Answers(503));
    ends(&probed).await;
    probed.reaches(2, RotationStep::Revoking).await;
    let refused = delete(&probed).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let message = refused.message();
    assert!(
        message.contains("version 1") && message.contains("CancelRotation"),
        "{message}"
    );
    // A person says that it is done.
    probed.cancel(2).await.unwrap();
    delete(&probed).await.unwrap();
}

#[tokio::test]
async fn what_is_left_of_a_rotation_that_was_cancelled_can_be_given_up_and_a_forged_key_deleted() {
    let (probed, rotator) = with_rotator(1).await;
    probed.provider.tell(
        crate::harness::rotator::FIRST,
        crate::harness::asked::Answer::invalid(),
    );
    probed.ask_for_one().await.unwrap();
    rotator.does(Mode::Answers(503));
    probed.cancel(2).await.unwrap();
    let is_asked = async || !rotator.heard("revoke").is_empty();
    eventually("the rotator is asked in vain", is_asked).await;
    assert!(delete(&probed).await.is_err());
    // Where the key's row is not believed, no word on its rotations is, and deleting it is the remedy.
    let forged = "update keys set mac = decode('00', 'hex') where id = 'k'";
    assert_eq!(probed.sql(forged).await, 1);
    delete(&probed).await.unwrap();
    let told = "update audit_records set summary = summary where method = 'DeleteKey' and summary like '%its provider was not told yet%: 2'";
    assert_eq!(probed.sql(told).await, 1);
}
