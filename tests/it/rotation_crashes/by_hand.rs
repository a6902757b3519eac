//! A replica is killed while it does what a person has asked for, or what follows from that.

use std::time::Duration;

use keylease::proto::{DeleteRotatorRequest, RotateKeyRequest, Rotation, RotationStep};
use tonic::Status;

use super::Point::{self, AtRotator, Before};
use super::crash::Crash;
use crate::harness::asked::Answer;
use crate::harness::client::Client;
use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::outcomes::success;
use crate::harness::rotator::{FIRST, Mode};
use crate::harness::setup::{secret, span};
use keylease::proto::VersionStage::{Current, Previous, Revoked};

const UNDONE: Point = Before("old.step = 'draining' and new.step = 'rolled_back'");
const CANCELLED: Point = Before("old.step = 'testing' and new.step = 'cancelled'");
const CLEANED: Point = Before(
    "old.step = 'cancelled' and old.next_attempt_time is not null and new.next_attempt_time is null",
);
const ENDED: Point = Before("old.step = 'draining' and new.step = 'done'");
const REVOKED: Point = Before("new.step = 'revoking'");
const OTHER: &str = "sk-Canary_By_hand_k2Lp9Zx";

/// Rotates a secret in, or has the rotator make one.
async fn rotate(
    admin: &Client,
    value: Option<&str>,
    grace: Duration,
    revoke_previous_now: bool,
) -> Result<Rotation, Status> {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: value.map(secret),
        grace: Some(span(grace)),
        revoke_previous_now,
        request_id: "once".to_owned(),
        ..Default::default()
    };
    let answer = admin.admin.clone().rotate_key(request).await?;
    Ok(answer.into_inner().rotation.unwrap())
}

/// A rotation whose new version, of the rotator, is refused by the provider, on its way to that point.
async fn refused_at(point: &Point) -> Crash {
    let crash = Crash::at(point).await;
    crash.probed.provider.tell(FIRST, Answer::invalid());
    let rotation = rotate(&crash.probed.admin, None, Duration::ZERO, false).await;
    assert_eq!(rotation.unwrap().step(), RotationStep::Testing);
    crash.probed.is_refused(2).await;
    assert_eq!(crash.rotator.good(), [FIRST]);
    crash
}

/// Nobody leases the version that was given up, here nothing of it is kept, and the provider knows it no more.
async fn is_given_up(crash: &Crash) {
    let is_clean = async || {
        crash.pass().await;
        crash.rotator.good().is_empty()
    };
    eventually("what was made is revoked", is_clean).await;
    let is_over = async || crash.probed.rotation(2).await.next_attempt_time.is_none();
    eventually("nothing is left to do", is_over).await;
    assert_eq!(crash.probed.stages().await, [Revoked, Current]);
    assert_eq!(crash.probed.caller.lease("p").await.version, 1);
    let sealed = crash.probed.sql("update secrets set field = field").await;
    assert_eq!(sealed, 1);
}

/// What a killed replica may have leased is waited for no longer.
async fn nothing_is_out(crash: &Crash) {
    let over = "update key_versions set drain_until = clock_timestamp(), keep_until = clock_timestamp() where stage = 'previous'";
    crash.probed.sql(over).await;
}

#[tokio::test]
async fn killed_before_a_rollback_is_committed() {
    let mut crash = Crash::at(&UNDONE).await;
    let hour = Duration::from_hours(1);
    let rotation = rotate(&crash.probed.admin, None, hour, false).await;
    assert_eq!(rotation.unwrap().step(), RotationStep::Draining);
    let admin = crash.probed.admin.clone();
    tokio::spawn(async move { roll_back(&admin).await });
    crash.arrives(&UNDONE).await;
    crash.kill().await;
    // It never was.
    assert_eq!(crash.probed.stages().await, [Current, Previous]);
    let lease = crash.probed.caller.lease("p").await;
    assert_eq!(lease.version, 2);
    crash.probed.caller.report(&lease, success()).await;
    crash.probed.roll_back().await.unwrap();
    nothing_is_out(&crash).await;
    let is_revoked = async || crash.probed.stages().await == [Revoked, Current];
    eventually("the new version is revoked", is_revoked).await;
    is_given_up(&crash).await;
}

async fn roll_back(admin: &Client) {
    let request = keylease::proto::RollbackKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    // The replica dies before it answers.
    let _ = admin.admin.clone().rollback_key(request).await;
}

/// Gives the rotation up, by a replica that may die before it answers.
fn cancel(crash: &Crash) {
    let mut admin = crash.probed.admin.admin.clone();
    let request = keylease::proto::CancelRotationRequest {
        name: format!("{KEY}/rotations/2"),
        ..Default::default()
    };
    tokio::spawn(async move { admin.cancel_rotation(request).await.map(drop) });
}

#[tokio::test]
async fn killed_before_a_cancellation_is_committed() {
    let mut crash = refused_at(&CANCELLED).await;
    cancel(&crash);
    crash.arrives(&CANCELLED).await;
    crash.kill().await;
    let rotation = crash.probed.rotation(2).await;
    assert_eq!(
        (rotation.step(), rotation.held),
        (RotationStep::Testing, true)
    );
    assert!(crash.rotator.heard("revoke").is_empty());
    crash.probed.cancel(2).await.unwrap();
    is_given_up(&crash).await;
}

#[tokio::test]
async fn killed_while_the_rotator_revokes_what_was_cancelled() {
    let mut crash = refused_at(&AtRotator("revoke")).await;
    crash.rotator.does(Mode::Holds);
    cancel(&crash);
    crash.arrives(&AtRotator("revoke")).await;
    crash.kill().await;
    is_given_up(&crash).await;
    assert!(crash.rotator.heard("revoke").len() > 1);
}

#[tokio::test]
async fn killed_before_it_is_committed_that_what_was_cancelled_is_revoked() {
    let mut crash = refused_at(&CLEANED).await;
    cancel(&crash);
    crash.arrives(&CLEANED).await;
    crash.kill().await;
    assert!(crash.probed.rotation(2).await.next_attempt_time.is_some());
    is_given_up(&crash).await;
}

#[tokio::test]
async fn killed_before_the_end_is_committed_without_a_rotator() {
    let mut crash = Crash::at(&ENDED).await;
    let request = DeleteRotatorRequest {
        name: "accounts/a/rotator".to_owned(),
        ..Default::default()
    };
    let mut admin = crash.probed.admin.admin.clone();
    admin.delete_rotator(request).await.unwrap();
    let rotation = rotate(&crash.probed.admin, Some(OTHER), Duration::ZERO, false).await;
    assert_eq!(rotation.unwrap().step(), RotationStep::Draining);
    crash.arrives(&ENDED).await;
    crash.kill().await;
    assert_eq!(crash.probed.stages().await, [Current, Previous]);
    nothing_is_out(&crash).await;
    crash.probed.reaches(2, RotationStep::Done).await;
    assert_eq!(crash.probed.stages().await, [Current, Revoked]);
    assert_eq!(crash.probed.caller.lease("p").await.version, 2);
}

#[tokio::test]
async fn killed_before_it_is_committed_that_a_leaked_key_is_replaced() {
    let mut crash = Crash::at(&REVOKED).await;
    let admin = crash.probed.admin.clone();
    // The replica dies before it answers.
    tokio::spawn(async move { rotate(&admin, Some(OTHER), Duration::ZERO, true).await });
    crash.arrives(&REVOKED).await;
    crash.kill().await;
    // Nothing of it was done, and the same call does it.
    assert_eq!(crash.probed.stages().await, [Current]);
    assert_eq!(crash.probed.caller.lease("p").await.version, 1);
    let rotation = rotate(&crash.probed.admin, Some(OTHER), Duration::ZERO, true).await;
    assert_eq!(rotation.unwrap().step(), RotationStep::Revoking);
    assert_eq!(crash.probed.stages().await, [Current, Revoked]);
    crash.probed.reaches(2, RotationStep::Done).await;
    assert_eq!(crash.rotator.heard("revoke")[0]["revoke"]["version"], 1);
}
