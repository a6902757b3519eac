//! A replica is killed at every step of a rotation: before and after each commit, and while a provider or a rotator is asked. Another one
//! goes on to the end.

use keylease::proto::{RotateKeyRequest, RotationStep, VersionStage};

use crate::harness::client::Client;
use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::rotator::Mode;

mod by_hand;
mod crash;

use crash::Crash;

/// Where a replica is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Point {
    /// Its transaction has done this to the rotation and is not committed.
    Before(&'static str),
    /// The rotator has done what it was asked, and its answer is not here.
    AtRotator(&'static str),
    /// The provider is asked.
    AtProvider,
}

use Point::{AtProvider, AtRotator, Before};

/// By the conditions of a trigger, old and new rows in hand.
const BEGUN: Point = Before("old is null");
const CREATE_TAKEN: Point =
    Before("old.step = 'creating' and new.step = 'creating' and new.epoch > old.epoch");
const STORED: Point = Before("old.step = 'creating' and new.step = 'pending'");
const TEST_TAKEN: Point = Before("old.step = 'pending' and new.step = 'testing'");
const PROMOTED: Point = Before("old.step = 'testing' and new.step = 'draining'");
const DRAINED: Point = Before("old.step = 'draining' and new.step = 'revoking'");
const REVOKE_TAKEN: Point = Before("old.step = 'revoking' and new.step = 'revoking'");
const DONE: Point = Before("old.step = 'revoking' and new.step = 'done'");

impl Point {
    /// The step that is committed where a replica is there; none before the rotation is.
    fn step(self) -> Option<&'static str> {
        match self {
            Before(condition) => condition.split('\'').nth(1),
            AtRotator("create") => Some("creating"),
            AtRotator(_) => Some("revoking"),
            AtProvider => Some("testing"),
        }
    }
}

async fn begin(admin: Client) {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    // The replica may die before it answers.
    let _ = admin.admin.clone().rotate_key(request).await;
}

async fn crash_at(point: Point) {
    let mut crash = Crash::at(&point).await;
    let begun = tokio::spawn(begin(crash.probed.admin.clone()));
    if matches!(point, DRAINED | REVOKE_TAKEN | DONE | AtRotator("revoke")) {
        let is_draining = async || crash.step().await == RotationStep::Draining;
        begun.await.unwrap();
        eventually("it drains", is_draining).await;
        if matches!(point, AtRotator(_)) {
            crash.rotator.does(Mode::Holds);
        }
        crash
            .probed
            .sql("update key_versions set drain_until = clock_timestamp() where stage = 'previous'")
            .await;
    }
    crash.arrives(&point).await;
    assert_eq!(crash.stored_step().await.as_deref(), point.step());
    // What is not committed is leased to nobody.
    crash.kill().await;
    if matches!(point, BEGUN) {
        assert_eq!(crash.probed.stages().await, [VersionStage::Current]);
        // It never was; the same call makes it.
        begin(crash.probed.admin.clone()).await;
    }
    crash.ends().await;
}

#[tokio::test]
async fn killed_before_it_is_committed_that_it_begins() {
    crash_at(BEGUN).await;
}

#[tokio::test]
async fn killed_when_the_rotator_is_about_to_be_asked() {
    crash_at(CREATE_TAKEN).await;
}

#[tokio::test]
async fn killed_while_the_rotator_answers() {
    crash_at(AtRotator("create")).await;
}

#[tokio::test]
async fn killed_before_a_minted_secret_is_committed() {
    crash_at(STORED).await;
}

#[tokio::test]
async fn killed_when_the_test_is_about_to_be_made() {
    crash_at(TEST_TAKEN).await;
}

#[tokio::test]
async fn killed_while_the_provider_is_asked() {
    crash_at(AtProvider).await;
}

#[tokio::test]
async fn killed_before_the_promotion_is_committed() {
    crash_at(PROMOTED).await;
}

#[tokio::test]
async fn killed_before_the_revocation_is_committed() {
    crash_at(DRAINED).await;
}

#[tokio::test]
async fn killed_when_the_rotator_is_about_to_revoke() {
    crash_at(REVOKE_TAKEN).await;
}

#[tokio::test]
async fn killed_while_the_rotator_revokes() {
    crash_at(AtRotator("revoke")).await;
}

#[tokio::test]
async fn killed_before_the_end_is_committed() {
    crash_at(DONE).await;
}

#[tokio::test]
async fn killed_in_the_middle_it_can_be_given_up_without_a_trace() {
    for point in [AtRotator("create"), AtProvider] {
        let mut crash = Crash::at(&point).await;
        tokio::spawn(begin(crash.probed.admin.clone()));
        crash.arrives(&point).await;
        crash.kill().await;
        let cancelled = crash.probed.cancel(2).await.unwrap();
        assert_eq!(cancelled.step(), RotationStep::Cancelled);
        let is_clean = async || crash.rotator.good().is_empty();
        eventually("what was made is revoked", is_clean).await;
        assert_eq!(crash.probed.caller.lease("p").await.version, 1);
        let stages = crash.probed.stages().await;
        assert!(!stages.contains(&VersionStage::Pending), "{stages:?}");
    }
}
