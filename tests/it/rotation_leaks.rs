//! A key has leaked: whichever of its versions that was, it ends now, and no secret that is leased does.

use std::time::Duration;

use keylease::proto::{
    LeaseKeyRequest, RetryRotationRequest, RotateKeyRequest, Rotation, RotationStep, VersionStage,
};
use tonic::{Code, Status};

use crate::harness::client::of;
use crate::harness::cluster::eventually;
use crate::harness::keys::{KEY, fields};
use crate::harness::outcomes::success;
use crate::harness::probed::Probed;
use crate::harness::rotator::{FIRST, OLD, with_rotator};
use crate::harness::setup::{secret, span};

use VersionStage::{Current, Previous, Revoked};

const NEW: &str = "sk-Canary_Leaked_new_k2Lp9Zx";
const OTHER: &str = "sk-Canary_Leaked_other_c8Vb4Nm";

/// Rotates a secret in, the versions before it gone at once, or kept for an hour.
async fn rotate(probed: &Probed, value: &str, revoke_previous_now: bool) -> Rotation {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(value)),
        grace: Some(span(Duration::from_hours(1))),
        revoke_previous_now,
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap()
}

/// What a rotation leaves to drain is revoked.
async fn revoke_now(probed: &Probed, to: u32, skip_test: bool) -> Result<Rotation, Status> {
    let request = RetryRotationRequest {
        name: format!("{KEY}/rotations/{to}"),
        revoke_previous_now: true,
        skip_test,
        ..Default::default()
    };
    let answer = probed.admin.admin.clone().retry_rotation(request).await?;
    Ok(answer.into_inner().rotation.unwrap())
}

#[tokio::test]
async fn with_a_leaked_key_every_version_before_the_new_one_ends_here_and_at_the_provider() {
    let (probed, rotator) = with_rotator(1).await;
    rotate(&probed, NEW, false).await;
    let held = probed.caller.lease("p").await;
    assert_eq!(held.version, 2);
    // The first version, which leaked, is out of leases and drains still.
    assert_eq!(probed.stages().await, [Current, Previous]);
    let rotation = rotate(&probed, OTHER, true).await;
    assert_eq!(probed.stages().await, [Current, Revoked, Revoked]);
    assert_eq!(rotation.from_version, format!("{KEY}/versions/2"));
    probed.reaches(2, RotationStep::Done).await;
    probed.reaches(3, RotationStep::Done).await;
    let revoked = rotator.heard("revoke").into_iter();
    let mut revoked: Vec<_> = revoked.map(|b| b["revoke"]["version"].clone()).collect();
    revoked.sort_by_key(|version| version.as_u64());
    assert_eq!(revoked, [1, 2]);
    let kept = probed.sql("update secrets set field = field").await;
    assert_eq!(kept, 1);
    probed.caller.report(&held, success()).await;
}

#[tokio::test]
async fn a_secret_that_came_back_stays_good_while_the_new_version_needs_it_and_goes_when_none_does()
{
    let (probed, rotator) = with_rotator(1).await;
    probed.ask_for_one().await.unwrap();
    probed.reaches(2, RotationStep::Done).await;
    rotate(&probed, NEW, false).await;
    // What leaked is the third version; the second one's secret, of a rotator, comes back.
    let rotation = rotate(&probed, FIRST, true).await;
    assert_eq!(probed.stages().await, [Current, Revoked, Revoked, Revoked]);
    assert_eq!(rotation.step(), RotationStep::Revoking);
    probed.reaches(3, RotationStep::Done).await;
    probed.reaches(4, RotationStep::Done).await;
    assert_eq!(rotator.good(), [FIRST]);
    // By the name that the provider gave it, with the last version that has it.
    rotate(&probed, OTHER, true).await;
    let is_gone = async || rotator.good().is_empty();
    eventually("the provider knows it no more", is_gone).await;
    let revoked = rotator.heard("revoke");
    assert_eq!(revoked.last().unwrap()["revoke"]["reference"], "key_1");
}

#[tokio::test]
async fn a_leaked_version_that_drains_ends_at_once_and_its_replacement_stays() {
    let (probed, rotator) = with_rotator(1).await;
    let request = LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_hours(1))),
        ..of("p")
    };
    let held = probed.caller.ask(request).await.unwrap();
    rotate(&probed, NEW, false).await;
    let refused = probed.retry(2, false).await.unwrap_err();
    assert!(
        refused.message().contains("revoke_previous_now"),
        "{refused}"
    );
    let refused = revoke_now(&probed, 2, true).await.unwrap_err();
    assert_eq!(fields(&refused), ["revoke_previous_now"]);
    let rotation = revoke_now(&probed, 2, false).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Revoking);
    assert_eq!(probed.stages().await, [Current, Revoked]);
    probed.reaches(2, RotationStep::Done).await;
    assert_eq!(rotator.heard("revoke")[0]["revoke"]["version"], 1);
    assert_eq!(probed.caller.lease("p").await.version, 2);
    probed.caller.report(&held, success()).await;
    // Once, and of what drains alone.
    let refused = revoke_now(&probed, 2, false).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_version_that_was_taken_back_ends_at_once_too_without_a_rotator() {
    let probed = Probed::start(1, OLD, false).await;
    let request = LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_hours(1))),
        ..of("p")
    };
    rotate(&probed, NEW, false).await;
    let held = probed.caller.ask(request).await.unwrap();
    assert_eq!(held.version, 2);
    probed.roll_back().await.unwrap();
    assert_eq!(probed.stages().await, [Previous, Current]);
    let rotation = revoke_now(&probed, 2, false).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::RolledBack);
    assert_eq!(probed.stages().await, [Revoked, Current]);
    assert_eq!(probed.caller.lease("p").await.version, 1);
}
