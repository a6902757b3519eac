//! What becomes of rotations where the database's clock is set: it is, or the rows are as they are after that.

use std::time::{Duration, SystemTime};

use keylease::proto::{LeaseKeyRequest, RotateKeyRequest, RotationStep, VersionStage};
use tokio::time::sleep;

use crate::harness::asked::Answer;
use crate::harness::client::{Client, of};
use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::outcomes::success;
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::rotator::with_rotator;
use crate::harness::setup::{secret, span};
use crate::rotation_drains::{lease, renew};

const OLD: &str = "sk-Canary_Clock_old_w3Rt7Yp";
const NEW: &str = "sk-Canary_Clock_new_k2Lp9Zx";

/// The database's clock can be set from here on, and the replica has begun anew.
async fn settable(probed: &mut Probed) {
    probed.cluster.let_clock_be_set().await;
    begin_anew(probed).await;
}

async fn begin_anew(probed: &mut Probed) {
    probed.cluster.begin_anew().await;
    let token = probed.cluster.admin_token.clone();
    probed.admin = probed.cluster.client(0, &token).await;
}

/// A client of the replica that has begun anew, of the caller.
async fn caller(probed: &Probed) -> Client {
    let token = probed.admin.create_token("search").await.text;
    probed.cluster.settled().await;
    probed.cluster.client(0, &token).await
}

/// How many leases are known to go on.
async fn renewed(probed: &Probed) -> u64 {
    let renewed = "update lease_renewals set until = until where version_uid is not null";
    probed.sql(renewed).await
}

async fn rotate(probed: &Probed, grace: Duration) {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(NEW)),
        grace: Some(span(grace)),
        ..Default::default()
    };
    let rotation = probed.rotate_so(request).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Draining);
}

#[tokio::test]
async fn a_clock_that_is_set_a_day_ahead_ends_no_grace() {
    let mut probed = Probed::start(1, OLD, false).await;
    settable(&mut probed).await;
    rotate(&probed, Duration::from_hours(1)).await;
    sleep(A_WHILE).await;
    probed.cluster.set_clock("26 h").await;
    sleep(A_WHILE * 2).await;
    assert_eq!(probed.stages().await[1], VersionStage::Previous);
    // It can be gone back to.
    probed.roll_back().await.unwrap();
}

#[tokio::test]
async fn a_replica_that_begins_while_the_clock_is_a_day_ahead_keeps_what_a_killed_one_has_leased() {
    let mut probed = Probed::start(1, OLD, false).await;
    settable(&mut probed).await;
    let caller = caller(&probed).await;
    lease(&caller, 3_600).await;
    let held = lease(&caller, 3_600).await;
    renew(&caller, &held).await.unwrap();
    rotate(&probed, Duration::ZERO).await;
    sleep(A_WHILE).await;
    probed.cluster.replicas[0].end("-KILL").await;
    probed.cluster.replicas.clear();
    probed.cluster.set_clock("27 h").await;
    probed.cluster.add().await;
    probed.admin = probed.cluster.admin().await;
    // Longer than it takes until nobody waits for the killed one any more.
    sleep(Duration::from_secs(15)).await;
    assert_eq!(probed.stages().await[1], VersionStage::Previous);
    assert_eq!(renewed(&probed).await, 1);
    // One that begins since the second was killed has seen no more.
    probed.cluster.replicas[0].end("-KILL").await;
    probed.cluster.replicas.clear();
    probed.cluster.add().await;
    probed.admin = probed.cluster.admin().await;
    sleep(Duration::from_secs(15)).await;
    assert_eq!(probed.stages().await[1], VersionStage::Previous);
}

#[tokio::test]
async fn what_a_clock_that_is_set_a_day_ahead_makes_old_is_not_forgotten() {
    let mut probed = Probed::start(1, OLD, false).await;
    settable(&mut probed).await;
    let caller = caller(&probed).await;
    let held = lease(&caller, 3_600).await;
    renew(&caller, &held).await.unwrap();
    sleep(A_WHILE).await;
    probed.cluster.set_clock("27 h").await;
    // What is old is forgotten once a minute.
    sleep(Duration::from_secs(65)).await;
    assert_eq!(renewed(&probed).await, 1);
}

#[tokio::test]
async fn a_rotator_believes_what_is_signed_while_the_clock_is_a_day_ahead() {
    let (mut probed, rotator) = with_rotator(1).await;
    settable(&mut probed).await;
    probed.cluster.set_clock("26 h").await;
    begin_anew(&mut probed).await;
    probed.ask_for_one().await.unwrap();
    let is_heard = async || rotator.heard("create").len() == 1;
    eventually("the rotator is asked", is_heard).await;
}

#[tokio::test]
async fn what_was_rotated_while_the_clock_was_a_year_ahead_counts_from_when_it_is_put_right() {
    let mut probed = Probed::start(1, OLD, false).await;
    settable(&mut probed).await;
    sleep(A_WHILE).await;
    probed.cluster.set_clock("365 days").await;
    sleep(A_WHILE).await;
    rotate(&probed, Duration::ZERO).await;
    probed.cluster.set_clock("0").await;
    let is_revoked = async || probed.stages().await[1] == VersionStage::Revoked;
    eventually("the previous version is revoked", is_revoked).await;
    let now = SystemTime::now() + Duration::from_secs(1);
    let promoted = probed.versions().await[0].promote_time.unwrap();
    assert!(
        SystemTime::try_from(promoted).unwrap() < now,
        "{promoted:?}"
    );
    let rotation = probed.rotation(2).await;
    assert_eq!(rotation.step(), RotationStep::Done);
    let told = "update audit_records set method = method where method = 'MendTimes'";
    assert_eq!(probed.sql(told).await, 1);
}

#[tokio::test]
async fn a_replica_that_begins_while_the_clock_is_behind_takes_nothing_for_what_is_yet_to_come() {
    let mut probed = Probed::start(1, OLD, false).await;
    rotate(&probed, Duration::from_hours(1)).await;
    let promoted = probed.versions().await[0].promote_time;
    probed.cluster.let_clock_be_set().await;
    probed.cluster.set_clock("-30 days").await;
    begin_anew(&mut probed).await;
    // Longer than it takes to look for times of the future twice.
    sleep(Duration::from_secs(22)).await;
    let mended = "update audit_records set method = method where method = 'MendTimes'";
    assert_eq!(probed.sql(mended).await, 0);
    probed.cluster.set_clock("0").await;
    assert_eq!(probed.versions().await[0].promote_time, promoted);
}

#[tokio::test]
async fn whatever_the_clock_says_a_replica_that_lives_is_asked_whether_leases_are_out() {
    let probed = Probed::start(2, OLD, false).await;
    let request = LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_hours(1))),
        ..of("p")
    };
    let held = probed.caller.ask(request).await.unwrap();
    rotate(&probed, Duration::from_hours(1)).await;
    // As after a step of a day: whatever was to be waited for is over, and all who beat a moment ago seem to have been away.
    let back = "interval '26 h'";
    for shifted in [
        format!(
            "update key_versions set drain_until = drain_until - {back}, keep_until = keep_until - {back} where stage = 'previous'"
        ),
        format!("update replicas set heartbeat_time = heartbeat_time - {back}"),
    ] {
        assert!(probed.sql(&shifted).await > 0);
    }
    sleep(A_WHILE).await;
    assert_eq!(probed.stages().await[1], VersionStage::Previous);
    probed.caller.report(&held, success()).await;
    let is_revoked = async || probed.stages().await[1] == VersionStage::Revoked;
    eventually("the previous version is revoked", is_revoked).await;
}

#[tokio::test]
async fn what_began_in_a_future_that_was_taken_back_holds_up_no_rotation() {
    let (probed, rotator) = with_rotator(1).await;
    for key in 0..20 {
        let secret = format!("sk-Canary_Future_{key}");
        let id = format!("future-{key}");
        probed.admin.create_key("a", &id, &secret).await;
    }
    let begun = "insert into rotations (uid, key_uid, id, step, to_number, reason, origin, create_time)
        select gen_random_uuid(), uid, '9', 'done', 9, '', 'rotator', clock_timestamp() + interval '2 h' from keys where id <> 'k'";
    assert_eq!(probed.sql(begun).await, 20);
    let aged = "with next as (update cluster set rev = rev + 1 returning rev)
        update key_versions v set promote_time = clock_timestamp() - interval '169 days', rev = next.rev from next, keys k
        where k.uid = v.key_uid and k.id = 'k'";
    assert_eq!(probed.sql(aged).await, 1);
    let begins = async || rotator.heard("create").len() == 1;
    eventually("the rotation begins", begins).await;
}

#[tokio::test]
async fn a_rotation_that_is_due_in_a_future_that_was_taken_back_goes_on() {
    let probed = Probed::start(1, OLD, false).await;
    probed.provider.tell(NEW, Answer::of(503, "{}"));
    probed.rotate(NEW).await.unwrap();
    assert_eq!(probed.rotation(2).await.step(), RotationStep::Testing);
    let later = "update rotations set next_attempt_time = clock_timestamp() + interval '2 h', epoch = epoch + 1";
    assert_eq!(probed.sql(later).await, 1);
    probed.provider.tell(NEW, Answer::of(200, "{}"));
    probed.reaches(2, RotationStep::Draining).await;
}
