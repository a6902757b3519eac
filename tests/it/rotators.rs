//! Rotators: who is asked for new secrets, when, and what comes of their answers.

use keylease::proto::{
    DeleteRotatorRequest, GetRotatorRequest, RotationOrigin, RotationStep, VersionStage,
};
use tokio::time::sleep;
use tonic::Code;

use crate::harness::asked::Answer;
use crate::harness::cluster::eventually;
use crate::harness::keys::{KEY, fields};
use crate::harness::outcomes::success;
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::rotator::{FIRST, Mode, Rotator, with_rotator};

/// The key's secret is so many days old, as every replica hears.
async fn age(probed: &Probed, days: u32) {
    let aged = format!(
        "with next as (update cluster set rev = rev + 1 returning rev)
        update key_versions set promote_time = clock_timestamp() - interval '{days} days', rev = next.rev from next where stage = 'current'"
    );
    assert!(probed.sql(&aged).await > 0);
}

#[tokio::test]
async fn a_rotator_makes_a_secret_that_is_tested_leased_and_in_the_end_replaces_the_old_one() {
    let (probed, rotator) = with_rotator(2).await;
    let rotation = probed.ask_for_one().await.unwrap();
    assert_eq!(rotation.origin(), RotationOrigin::Rotator);
    probed.reaches(2, RotationStep::Draining).await;
    let asked = rotator.heard("create");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&asked[0]["key"], &asked[0]["profile"]),
        (&KEY.into(), &"openai".into())
    );
    assert_eq!(asked[0]["previous"]["version"], 1);
    assert_eq!(probed.provider.times(FIRST), 1);
    let leased = async || {
        let lease = probed.caller.lease("p").await;
        probed.caller.report(&lease, success()).await;
        lease.version == 2
    };
    eventually("the minted secret is leased", leased).await;
    probed.reaches(2, RotationStep::Done).await;
    assert_eq!(rotator.heard("revoke")[0]["revoke"]["version"], 1);

    // The next time the rotator is told what it knows the secret by.
    probed.ask_for_one().await.unwrap();
    probed.reaches(3, RotationStep::Draining).await;
    assert_eq!(rotator.heard("create")[1]["previous"]["reference"], "key_1");
    probed.reaches(3, RotationStep::Done).await;
    assert_eq!(rotator.good(), ["sk-Canary_Minted_2_h5Nq2Vx8"]);
    let said = probed.cluster.replicas.iter().map(|replica| replica.said());
    assert!(
        said.into_iter()
            .all(|said| !said.contains("Canary") && !said.contains("whsec"))
    );
}

#[tokio::test]
async fn a_key_that_is_due_is_rotated_by_itself_and_once() {
    let (probed, rotator) = with_rotator(3).await;
    sleep(A_WHILE).await;
    assert!(rotator.heard("create").is_empty());
    age(&probed, 169).await;
    reaches_by_itself(&probed).await;
    sleep(A_WHILE).await;
    assert_eq!(rotator.heard("create").len(), 1);
    let rotation = probed.rotation(2).await;
    assert_eq!(rotation.reason, "its rotation interval ends");
    assert_eq!(rotation.grace, Some(prost_types::Duration::default()));
}

async fn reaches_by_itself(probed: &Probed) {
    let is_current = async || {
        probed.stages().await[0] == VersionStage::Current && probed.stages().await.len() == 2
    };
    eventually("a new version is current", is_current).await;
}

#[tokio::test]
async fn however_many_keys_are_due_a_bounded_number_begins_in_a_minute() {
    let (probed, rotator) = with_rotator(2).await;
    for key in 0..29 {
        let secret = format!("sk-Canary_Many_{key}");
        probed
            .admin
            .create_key("a", &format!("many-{key}"), &secret)
            .await;
    }
    age(&probed, 4_000).await;
    let all = async || rotator.heard("create").len() >= 20;
    eventually("many begin", all).await;
    sleep(A_WHILE * 4).await;
    assert_eq!(rotator.heard("create").len(), 20);
    // A minute later the others do.
    probed
        .sql("update rotations set create_time = create_time - interval '2 minutes'")
        .await;
    let all = async || rotator.heard("create").len() >= 30;
    eventually("the others begin", all).await;
    sleep(A_WHILE * 3).await;
    assert_eq!(rotator.heard("create").len(), 30);
}

#[tokio::test]
async fn a_rotator_that_fails_is_asked_again_and_what_it_made_in_vain_is_revoked() {
    let (probed, rotator) = with_rotator(1).await;
    rotator.does(Mode::Answers(503));
    let rotation = probed.ask_for_one().await.unwrap();
    assert_eq!(
        (rotation.step(), rotation.attempts),
        (RotationStep::Creating, 1)
    );
    assert!(rotation.detail.contains("503"), "{}", rotation.detail);
    assert_eq!(probed.caller.lease("p").await.version, 1);
    // It made one, and the provider does not know it.
    probed.provider.tell(FIRST, Answer::invalid());
    rotator.does(Mode::Works);
    probed.is_refused(2).await;
    assert_eq!(probed.rotation(2).await.step(), RotationStep::Testing);
    assert_eq!(rotator.good().len(), 1);
    // Whichever request comes last, the receiver knows which was made last.
    let asked = rotator.heard("create");
    assert!(asked[0]["attempt"].as_i64() < asked[1]["attempt"].as_i64());
    probed.cancel(2).await.unwrap();
    let is_clean = async || rotator.good().is_empty();
    eventually("what was made is revoked", is_clean).await;
    assert_eq!(rotator.heard("revoke")[0]["revoke"]["reference"], "key_1");
    assert_eq!(probed.caller.lease("p").await.version, 1);
    // Due as it is, it is left alone for a day.
    age(&probed, 400).await;
    sleep(A_WHILE * 4).await;
    assert_eq!(rotator.heard("create").len(), 2);
}

#[tokio::test]
async fn a_rotator_is_set_read_and_deleted_and_never_a_metadata_service() {
    let (probed, rotator) = with_rotator(1).await;
    let name = "accounts/a/rotator".to_owned();
    let get = || {
        let request = GetRotatorRequest { name: name.clone() };
        let mut admin = probed.admin.admin.clone();
        async move { admin.get_rotator(request).await }
    };
    let read = get().await.unwrap().into_inner().rotator.unwrap();
    assert_eq!(read.url, format!("http://{}/rotate", rotator.address));
    let again = probed.try_rotator(&read.url).await.unwrap();
    rotator.knows(&again);
    assert_eq!(probed.try_rotator(&read.url).await.unwrap(), again);
    // Of a row that was edited nothing is believed, its secret neither.
    let edited = "update rotators set generation = 1";
    assert_eq!(probed.sql(edited).await, 1);
    let other = probed.try_rotator(&read.url).await.unwrap();
    assert_ne!(other, again);
    for url in [
        "http://169.254.169.254/rotate",
        "https://user@example.com",
        "ftp://example.com",
    ] {
        let refused = probed.try_rotator(url).await.unwrap_err();
        assert_eq!(fields(&refused), ["rotator.url"], "{url}");
    }
    let request = DeleteRotatorRequest {
        name: name.clone(),
        ..Default::default()
    };
    probed
        .admin
        .admin
        .clone()
        .delete_rotator(request)
        .await
        .unwrap();
    assert_eq!(get().await.unwrap_err().code(), Code::NotFound);
    let refused = probed.ask_for_one().await.unwrap_err();
    assert_eq!(fields(&refused), ["secret"]);
    // What was given up does not come back.
    let anew = probed.try_rotator(&read.url).await.unwrap();
    assert!(anew != again && anew != other);
}

#[tokio::test]
async fn a_rotator_whose_row_was_edited_is_asked_nothing() {
    let (probed, rotator) = with_rotator(1).await;
    let other = Rotator::start().await;
    let edited = format!("update rotators set url = 'http://{}/x'", other.address);
    assert_eq!(probed.sql(&edited).await, 1);
    probed.ask_for_one().await.unwrap();
    sleep(A_WHILE).await;
    assert!(rotator.heard("create").is_empty() && other.heard("create").is_empty());
    // A person is told at once, and has it tried again when the row is mended.
    let rotation = probed.rotation(2).await;
    assert_eq!(rotation.step(), RotationStep::Creating);
    assert!(rotation.held, "{rotation:?}");
    assert!(rotation.detail.contains("outside of keylease"));
    assert_eq!(probed.caller.lease("p").await.version, 1);
    probed.set_rotator(&rotator).await;
    probed.retry(2, false).await.unwrap();
    probed.reaches(2, RotationStep::Draining).await;
}
