//! A rotation is undone while its previous version is kept: by a person, or by the vault itself.

use keylease::proto::{
    AlertKind, HealthState, ListAlertsRequest, RetryRotationRequest, RotationStep, VersionStage,
};
use tokio::time::sleep;
use tonic::Code;

use crate::harness::asked::Answer;
use crate::harness::client::of;
use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::keys::KEY;
use crate::harness::probed::{A_WHILE, Probed};

const OLD: &str = "sk-Canary_Undone_old_b7Ww3Qe";
const NEW: &str = "sk-Canary_Undone_new_k2Lp9Zx";

#[tokio::test]
async fn a_person_undoes_a_rotation_and_the_next_one_has_a_number_of_its_own() {
    let probed = Probed::start(2, OLD, false).await;
    let promoted = probed.versions().await[0].promote_time;
    probed.rotate(NEW).await.unwrap();
    let rotation = probed.roll_back().await.unwrap();
    assert_eq!(rotation.step(), RotationStep::RolledBack);
    assert!(!rotation.rolled_back_by_itself);
    assert_eq!(
        probed.stages().await,
        [VersionStage::Previous, VersionStage::Current]
    );
    assert_eq!(probed.caller.lease("p").await.version, 1);
    // What was undone has renewed nothing.
    assert_eq!(probed.versions().await[1].promote_time, promoted);
    let refused = probed.roll_back().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let rotation = probed.rotate("sk-Canary_Undone_third_c8").await.unwrap();
    assert_eq!(rotation.to_version, format!("{KEY}/versions/3"));
    assert_eq!(rotation.from_version, format!("{KEY}/versions/1"));
}

#[tokio::test]
async fn a_new_version_that_dies_while_the_previous_one_works_is_undone_by_itself() {
    let probed = Probed::start(2, OLD, false).await;
    probed.rotate(NEW).await.unwrap();
    probed.provider.tell(NEW, Answer::invalid());
    // The replica that is asked may not have heard of the new version yet.
    let asked = eventually_some("it is asked about", async || probed.ask().await.ok()).await;
    assert_eq!(asked.health.unwrap().state(), HealthState::Dead);
    let is_undone = async || probed.rotation(2).await.step() == RotationStep::RolledBack;
    eventually("the rotation is undone", is_undone).await;
    let rotation = probed.rotation(2).await;
    assert!(rotation.rolled_back_by_itself);
    assert_eq!(
        probed.stages().await,
        [VersionStage::Previous, VersionStage::Current]
    );
    let leased = async || {
        let lease = probed.caller.ask(of("p")).await;
        lease.is_ok_and(|lease| lease.version == 1)
    };
    eventually("the previous version is leased", leased).await;
    assert_eq!(probed.provider.times(OLD), 1);
    // People are told.
    let told = eventually_some("an alert is open", async || {
        let request = ListAlertsRequest::default();
        let answer = probed.admin.admin.clone().list_alerts(request).await;
        let mut alerts = answer.unwrap().into_inner().alerts.into_iter();
        alerts.find(|alert| alert.kind() == AlertKind::RotationFailed)
    });
    let told = told.await;
    assert_eq!(told.resource, format!("{KEY}/rotations/2"));
    assert!(told.summary.contains("rolled back"), "{}", told.summary);
}

#[tokio::test]
async fn nothing_is_undone_where_the_previous_version_is_no_better() {
    let probed = Probed::start(1, OLD, false).await;
    probed.rotate(NEW).await.unwrap();
    probed.provider.tell(NEW, Answer::invalid());
    probed.provider.tell(OLD, Answer::invalid());
    probed.ask().await.unwrap();
    let is_asked = async || probed.provider.times(OLD) == 1;
    eventually("the previous version is asked about", is_asked).await;
    sleep(A_WHILE).await;
    let rotation = probed.rotation(2).await;
    assert_eq!(rotation.step(), RotationStep::Draining);
    assert!(rotation.detail.contains("no better"), "{}", rotation.detail);
    // It is not asked about without end.
    assert_eq!(probed.provider.times(OLD), 1);
}

#[tokio::test]
async fn nothing_is_undone_for_a_previous_version_that_is_told_what_any_key_is_told() {
    let probed = Probed::start(1, OLD, false).await;
    probed.rotate(NEW).await.unwrap();
    probed.provider.tell(NEW, Answer::invalid());
    probed.provider.tell(OLD, Answer::of(429, "{}"));
    probed.ask().await.unwrap();
    let is_told = async || probed.rotation(2).await.detail.contains("is not known");
    eventually("the previous version is asked about", is_told).await;
    assert_eq!(probed.provider.times(OLD), 1);
    assert_eq!(probed.rotation(2).await.step(), RotationStep::Draining);
}

#[tokio::test]
async fn a_previous_version_is_kept_while_the_new_one_is_dead_and_no_longer_than_any_grace() {
    let probed = Probed::start(1, OLD, false).await;
    probed.rotate(NEW).await.unwrap();
    probed.provider.tell(NEW, Answer::invalid());
    probed.provider.tell(OLD, Answer::of(503, "{}"));
    let asked = probed.ask().await.unwrap();
    assert_eq!(asked.health.unwrap().state(), HealthState::Dead);
    let over = async |ago: &str| {
        let over = format!(
            "update key_versions set keep_until = clock_timestamp() - interval '{ago}' where stage = 'previous'"
        );
        assert_eq!(probed.sql(&over).await, 1);
    };
    over("1 day").await;
    sleep(A_WHILE).await;
    assert_eq!(
        probed.stages().await,
        [VersionStage::Current, VersionStage::Previous]
    );
    over("91 days").await;
    let is_revoked = async || probed.stages().await[1] == VersionStage::Revoked;
    eventually("it is not kept for ever", is_revoked).await;
}

#[tokio::test]
async fn a_leaked_version_is_revoked_though_the_new_one_is_dead() {
    let probed = Probed::start(1, OLD, false).await;
    probed.rotate(NEW).await.unwrap();
    probed.provider.tell(NEW, Answer::invalid());
    probed.provider.tell(OLD, Answer::of(503, "{}"));
    probed.ask().await.unwrap();
    let request = RetryRotationRequest {
        name: format!("{KEY}/rotations/2"),
        revoke_previous_now: true,
        ..Default::default()
    };
    let mut admin = probed.admin.admin.clone();
    admin.retry_rotation(request).await.unwrap();
    assert_eq!(probed.stages().await[1], VersionStage::Revoked);
}
