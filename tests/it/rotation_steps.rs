//! The steps of a rotation: a new version is tested at its provider before anybody leases it.

use std::time::Duration;

use keylease::crypto::MasterKey;
use keylease::proto::{RotateKeyRequest, RotationStep, VersionStage};
use tonic::Code;

use crate::harness::asked::Answer;
use crate::harness::cluster::eventually;
use crate::harness::keys::{KEY, reason};
use crate::harness::probed::Probed;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{secret, span};

const OLD: &str = "sk-Canary_Rotated_old_b7Ww3Qe";
const NEW: &str = "sk-Canary_Rotated_new_k2Lp9Zx";
const OTHER: &str = "sk-Canary_Rotated_other_m4Rt6";

fn down() -> Answer {
    Answer::of(503, "{}")
}

#[tokio::test]
async fn a_secret_that_its_provider_knows_is_current_when_the_call_answers() {
    let probed = Probed::start(2, OLD, false).await;
    let rotation = probed.rotate(NEW).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Draining);
    assert_eq!(rotation.grace, Some(span(Duration::from_hours(24))));
    assert_eq!(probed.provider.times(NEW), 1);
    assert_eq!(probed.caller.lease("p").await.version, 2);
    assert_eq!(
        probed.stages().await,
        [VersionStage::Current, VersionStage::Previous]
    );
    assert_eq!(probed.provider.times(OLD), 0);
}

#[tokio::test]
async fn what_a_provider_rejects_is_leased_to_nobody_until_a_person_gives_it_up() {
    let probed = Probed::start(2, OLD, false).await;
    probed.provider.tell(NEW, Answer::invalid());
    let rotation = probed.rotate(NEW).await.unwrap();
    assert_eq!(
        (rotation.step(), rotation.held),
        (RotationStep::Testing, true)
    );
    assert!(!rotation.detail.is_empty() && rotation.next_attempt_time.is_none());
    assert_eq!(probed.caller.lease("p").await.version, 1);
    assert_eq!(
        probed.stages().await,
        [VersionStage::Pending, VersionStage::Current]
    );
    // Another one has to wait for a word.
    let refused = probed.rotate(OTHER).await.unwrap_err();
    let refused = Refusal::of(&refused).is(Code::FailedPrecondition, "STATE_FORBIDS");
    assert!(refused.message.contains("CancelRotation"), "{refused:?}");

    let rotation = probed.cancel(2).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Cancelled);
    assert_eq!(
        probed.stages().await,
        [VersionStage::Revoked, VersionStage::Current]
    );
    let sealed = "update secrets set field = field where version_uid in (select uid from key_versions where number = $1)";
    assert_eq!(probed.sql(&sealed.replace("$1", "2")).await, 0);
    assert_eq!(probed.sql(&sealed.replace("$1", "1")).await, 1);
    assert!(probed.cancel(2).await.is_err());
    let rotation = probed.rotate(OTHER).await.unwrap();
    assert_eq!(rotation.to_version, format!("{KEY}/versions/3"));
    assert_eq!(rotation.step(), RotationStep::Draining);
    // Nobody was asked again about what had been given up.
    assert_eq!(probed.provider.times(NEW), 1);
}

#[tokio::test]
async fn a_test_is_tried_again_by_itself_until_the_provider_answers() {
    let probed = Probed::start(2, OLD, false).await;
    probed.provider.tell(NEW, down());
    let rotation = probed.rotate(NEW).await.unwrap();
    assert_eq!(
        (rotation.step(), rotation.held),
        (RotationStep::Testing, false)
    );
    assert_eq!(rotation.attempts, 1);
    assert!(rotation.next_attempt_time.is_some());
    assert_eq!(probed.caller.lease("p").await.version, 1);
    probed.provider.tell(NEW, Answer::of(200, "{}"));
    let is_current = async || probed.rotation(2).await.step() == RotationStep::Draining;
    eventually("the new version is current", is_current).await;
    assert_eq!(probed.provider.times(NEW), 2);
}

#[tokio::test]
async fn a_person_has_a_test_repeated_or_left_out() {
    let probed = Probed::start(1, OLD, false).await;
    probed.provider.tell(NEW, Answer::invalid());
    assert!(probed.rotate(NEW).await.unwrap().held);
    assert!(probed.retry(2, false).await.unwrap().held);
    assert_eq!(probed.provider.times(NEW), 2);
    let rotation = probed.retry(2, true).await.unwrap();
    assert_eq!(
        (rotation.step(), rotation.held),
        (RotationStep::Draining, false)
    );
    assert_eq!(probed.caller.lease("p").await.version, 2);
    assert_eq!(probed.provider.times(NEW), 2);
    let refused = probed.retry(2, false).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        probed
            .cancel(2)
            .await
            .unwrap_err()
            .message()
            .contains("RollbackKey")
    );
}

#[tokio::test]
async fn of_a_leaked_key_nothing_is_tested_and_nothing_stands_in_the_way() {
    let probed = Probed::start(1, OLD, false).await;
    probed.provider.tell(NEW, Answer::invalid());
    assert!(probed.rotate(NEW).await.unwrap().held);
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(OTHER)),
        revoke_previous_now: true,
        ..Default::default()
    };
    let rotation = probed.rotate_so(request).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Done);
    assert_eq!(probed.provider.times(OTHER), 0);
    assert_eq!(probed.rotation(2).await.step(), RotationStep::Cancelled);
    let told = "update audit_records set summary = summary where method = 'RotateKey' and resource like '%/rotations/2' and summary like 'given up%'";
    assert_eq!(probed.sql(told).await, 1);
    assert_eq!(
        probed.stages().await,
        [
            VersionStage::Current,
            VersionStage::Revoked,
            VersionStage::Revoked
        ]
    );
    let refused = probed.roll_back().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_grace_beyond_its_bound_and_an_unknown_rotation_are_refused() {
    let probed = Probed::start(1, OLD, false).await;
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(NEW)),
        grace: Some(span(Duration::from_hours(24 * 91))),
        ..Default::default()
    };
    let refused = probed.rotate_so(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let refused = probed.cancel(7).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::NotFound, "RESOURCE_NOT_FOUND")
    );
    assert_eq!(probed.stages().await, [VersionStage::Current]);
}

#[tokio::test]
async fn a_version_that_leases_would_not_take_is_not_promoted_though_nobody_is_asked_about_it() {
    let probed = Probed::start(1, OLD, false).await;
    probed.provider.tell(NEW, down());
    probed.rotate(NEW).await.unwrap();
    // It is of two parts, of which one is missing, and waits for its next test, which is to be left out.
    let of_new = "version_uid in (select uid from key_versions where number = 2)";
    let lacking = format!("update secrets set fingerprint = '\\x00' where {of_new}");
    assert_eq!(probed.sql(&lacking).await, 1);
    assert_eq!(
        probed.sql("update rotations set skips_test = true").await,
        1
    );
    probed.retry(2, false).await.unwrap();
    let is_held = async || probed.rotation(2).await.held;
    eventually("a person is told", is_held).await;
    let detail = probed.rotation(2).await.detail;
    assert!(
        detail.contains("parts of its secret are missing"),
        "{detail}"
    );
    assert_eq!(probed.caller.lease("p").await.version, 1);
}

#[tokio::test]
async fn a_secret_that_this_replica_lacks_the_master_key_of_is_not_taken_for_a_bad_one() {
    let probed = Probed::start(1, OLD, false).await;
    probed.provider.tell(NEW, down());
    probed.rotate(NEW).await.unwrap();
    let other = MasterKey::generate().unwrap().fingerprint();
    let of_new = "version_uid in (select uid from key_versions where number = 2)";
    let kept = format!(
        "create table kept as select version_uid, master_key_fingerprint from secrets where {of_new}"
    );
    probed.sql(&kept).await;
    let lacking = format!("update secrets set master_key_fingerprint = '{other}' where {of_new}");
    assert_eq!(probed.sql(&lacking).await, 1);
    probed.provider.tell(NEW, Answer::of(200, "{}"));
    let is_told = async || probed.rotation(2).await.detail.contains("master key");
    eventually("the key is missed", is_told).await;
    assert!(!probed.rotation(2).await.held);
    let back = "update secrets s set master_key_fingerprint = k.master_key_fingerprint from kept k where k.version_uid = s.version_uid";
    assert_eq!(probed.sql(back).await, 1);
    probed.retry(2, false).await.unwrap();
    probed.reaches(2, RotationStep::Draining).await;
}

#[tokio::test]
async fn a_limit_on_requests_says_nothing_of_a_secret_which_is_asked_about_again() {
    let probed = Probed::start(1, OLD, false).await;
    let page = Answer {
        headers: vec![("content-type", "text/html".to_owned())],
        ..Answer::of(429, "<html><h1>Too many requests</h1></html>")
    };
    probed.provider.tell(NEW, page);
    let rotation = probed.rotate(NEW).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Testing);
    let wait = Answer {
        headers: vec![("retry-after", "40".to_owned())],
        ..Answer::of(429, "{}")
    };
    probed.provider.tell(NEW, wait);
    probed.retry(2, false).await.unwrap();
    let is_told = async || probed.rotation(2).await.detail.contains("limited");
    eventually("it is tried", is_told).await;
    assert!(!probed.rotation(2).await.held);
    assert_eq!(probed.caller.lease("p").await.version, 1);
    let soon = "update rotations set attempts = attempts where next_attempt_time < clock_timestamp() + interval '25 seconds'";
    let is_put_off = async || probed.sql(soon).await == 0;
    eventually("it is asked when the provider says", is_put_off).await;
    // What is spent is somebody's: the provider knows the key.
    let spent =
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    probed.provider.tell(NEW, Answer::of(429, spent));
    probed
        .sql("update rotations set next_attempt_time = clock_timestamp()")
        .await;
    probed.reaches(2, RotationStep::Draining).await;
}
