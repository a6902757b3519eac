//! A previous version is revoked when the last lease of it has ended, whoever gave it, and not before.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keylease::domain::time::Timestamp;
use keylease::proto::{
    LeaseKeyRequest, LeaseKeyResponse, RenewLeaseRequest, RotateKeyRequest, RotationStep,
    VersionStage,
};
use keylease::store::{key_versions, lease_renewals};
use tokio::time::sleep;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::harness::client::{Client, of};
use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::outcomes::success;
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{secret, span};

pub(crate) const OLD: &str = "sk-Canary_Drained_old_w3Rt7Yp";
pub(crate) const NEW: &str = "sk-Canary_Drained_new_k2Lp9Zx";

/// Rotates without a grace: nothing but leases holds the previous version.
pub(crate) async fn rotate(probed: &Probed, value: &str) {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(value)),
        grace: Some(span(Duration::ZERO)),
        ..Default::default()
    };
    let rotation = probed.rotate_so(request).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Draining);
}

pub(crate) async fn lease(caller: &Client, lasts: u64) -> LeaseKeyResponse {
    let request = LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_secs(lasts))),
        ..of("p")
    };
    caller.ask(request).await.unwrap()
}

/// It goes on for ten minutes.
pub(crate) async fn renew(caller: &Client, lease: &LeaseKeyResponse) -> Result<(), Status> {
    let request = RenewLeaseRequest {
        lease_id: lease.lease_id.clone(),
        lease_duration: Some(span(Duration::from_secs(600))),
    };
    caller.leases.clone().renew_lease(request).await.map(drop)
}

pub(crate) async fn is_kept(probed: &Probed) -> bool {
    probed.stages().await[1] == VersionStage::Previous
}

pub(crate) async fn is_revoked_in_time(probed: &Probed) {
    let is_revoked = async || !is_kept(probed).await;
    eventually("the previous version is revoked", is_revoked).await;
    assert_eq!(probed.rotation(2).await.step(), RotationStep::Done);
    let sealed = "update secrets set field = field";
    assert_eq!(probed.sql(sealed).await, 1);
}

/// A client of the second replica, of the same caller.
async fn second(probed: &Probed) -> Client {
    let token = probed.admin.create_token("search").await.text;
    probed.cluster.settled().await;
    probed.cluster.client(1, &token).await
}

#[tokio::test]
async fn with_the_report_of_its_last_lease_a_previous_version_is_revoked() {
    let probed = Probed::start(2, OLD, false).await;
    let other = second(&probed).await;
    let leases = [
        lease(&probed.caller, 3_600).await,
        lease(&other, 3_600).await,
    ];
    rotate(&probed, NEW).await;
    probed.caller.report(&leases[0], success()).await;
    sleep(A_WHILE * 2).await;
    assert!(is_kept(&probed).await);
    // Whoever is told: it travels to the replica that gave the lease.
    probed.caller.report(&leases[1], success()).await;
    is_revoked_in_time(&probed).await;
}

#[tokio::test]
async fn a_lease_that_nobody_reports_holds_it_until_its_time_is_over() {
    let probed = Probed::start(2, OLD, false).await;
    let began = std::time::Instant::now();
    lease(&probed.caller, 9).await;
    rotate(&probed, NEW).await;
    is_revoked_in_time(&probed).await;
    assert!(
        began.elapsed() >= Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_lease_that_was_renewed_elsewhere_holds_it_until_it_is_reported() {
    let probed = Probed::start(2, OLD, false).await;
    let other = second(&probed).await;
    let held = lease(&probed.caller, 5).await;
    renew(&other, &held).await.unwrap();
    rotate(&probed, NEW).await;
    sleep(Duration::from_secs(9)).await;
    assert!(is_kept(&probed).await);
    other.report(&held, success()).await;
    is_revoked_in_time(&probed).await;
}

#[tokio::test]
async fn a_renewal_that_its_stopped_issuer_never_hears_of_holds_it_until_it_is_reported() {
    let probed = Probed::start(2, OLD, false).await;
    let other = second(&probed).await;
    let held = lease(&other, 9).await;
    rotate(&probed, NEW).await;
    sleep(A_WHILE).await;
    let issuer = &probed.cluster.replicas[1];
    issuer.signal("-STOP");
    renew(&probed.caller, &held).await.unwrap();
    let is_taken = async || {
        probed
            .sql("update foreign_reports set issuer = issuer")
            .await
            == 0
    };
    eventually("the news go to another replica", is_taken).await;
    issuer.signal("-CONT");
    sleep(A_WHILE * 2).await;
    assert!(is_kept(&probed).await);
    other.report(&held, success()).await;
    is_revoked_in_time(&probed).await;
}

#[tokio::test]
async fn a_renewal_that_began_in_time_holds_it_though_it_is_committed_late() {
    let probed = Probed::start(1, OLD, false).await;
    lease(&probed.caller, 6).await;
    rotate(&probed, NEW).await;
    let pool = &probed.cluster.database.pool;
    let version = sqlx::query_scalar("select uid from key_versions where number = 1");
    let version = version.fetch_one(pool).await.unwrap();
    let until = SystemTime::now() + Duration::from_secs(25);
    let until = until.duration_since(UNIX_EPOCH).unwrap().as_micros();
    let until = Timestamp::from_micros(i64::try_from(until).unwrap());
    // What another replica does for a lease that it has looked at.
    let mut renewal = pool.begin().await.unwrap();
    assert!(key_versions::hold(&mut renewal, version).await.unwrap());
    let lease = (Uuid::now_v7(), 7);
    lease_renewals::extend(&mut renewal, lease, version, until)
        .await
        .unwrap();
    sleep(Duration::from_secs(10)).await;
    renewal.commit().await.unwrap();
    sleep(A_WHILE).await;
    assert!(is_kept(&probed).await);
    is_revoked_in_time(&probed).await;
}

#[tokio::test]
async fn a_lease_of_a_revoked_version_does_not_go_on() {
    let probed = Probed::start(1, OLD, false).await;
    let held = lease(&probed.caller, 60).await;
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(NEW)),
        revoke_previous_now: true,
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
    let refused = renew(&probed.caller, &held).await.unwrap_err();
    Refusal::of(&refused).is(Code::FailedPrecondition, "LEASE_FINISHED");
    probed.caller.report(&held, success()).await;
}

#[tokio::test]
async fn leases_of_a_replica_that_left_hold_it_until_their_time_is_over_and_of_a_killed_one_longer()
{
    let mut probed = Probed::start(3, OLD, false).await;
    let other = second(&probed).await;
    let began = std::time::Instant::now();
    lease(&other, 12).await;
    assert!(
        probed.cluster.replicas[1]
            .end("-TERM")
            .await
            .status
            .success()
    );
    rotate(&probed, NEW).await;
    is_revoked_in_time(&probed).await;
    assert!(
        began.elapsed() >= Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );

    // What a killed one gave nobody knows.
    probed.cluster.replicas[2].end("-KILL").await;
    rotate(&probed, "sk-Canary_Drained_third_c8").await;
    sleep(A_WHILE * 2).await;
    assert_eq!(probed.stages().await[1], VersionStage::Previous);
    probed
        .sql("delete from replicas where heartbeat_time < clock_timestamp() - interval '5 s'")
        .await;
    let is_revoked = async || probed.stages().await[1] == VersionStage::Revoked;
    eventually("it is revoked once nobody is missing", is_revoked).await;
}

#[tokio::test]
async fn what_was_said_before_a_version_was_current_again_counts_no_more() {
    let probed = Probed::start(2, OLD, false).await;
    // The lease holds the first version, of which the other replica says that it has none out.
    let held = lease(&probed.caller, 3_600).await;
    rotate(&probed, NEW).await;
    sleep(A_WHILE).await;
    probed.roll_back().await.unwrap();
    probed.cluster.settled().await;
    let other = second(&probed).await;
    let again = lease(&other, 3_600).await;
    assert_eq!(again.version, 1);
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret("sk-Canary_Drained_third_c8")),
        grace: Some(span(Duration::ZERO)),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
    probed.caller.report(&held, success()).await;
    sleep(A_WHILE * 2).await;
    let stage = async || probed.versions().await.pop().unwrap().stage();
    assert_eq!(stage().await, VersionStage::Previous);
    other.report(&again, success()).await;
    let is_revoked = async || stage().await == VersionStage::Revoked;
    eventually("the first version is revoked", is_revoked).await;
}
