//! Answers of rotators that are no secret of the key: they have other parts, which nobody could send, or are lists.

use keylease::proto::{RotateKeyRequest, RotationStep, Secret};

use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::probed::Probed;
use crate::harness::rotator::{FIRST, Mode, with_rotator};

/// Asks for a secret, and answers why the rotation waits for a person.
async fn held(probed: &Probed, to: u32) -> String {
    probed.ask_for_one().await.unwrap();
    let is_held = async || probed.rotation(to).await.held;
    eventually("a person is told", is_held).await;
    let rotation = probed.rotation(to).await;
    assert_eq!(rotation.step(), RotationStep::Creating);
    rotation.detail
}

/// Rotates a secret of these parts in by hand.
async fn rotate_parts(probed: &Probed, parts: &[(&str, &str)]) {
    let fields = parts.iter().map(|(name, value)| {
        let value = format!("sk-Canary_Part_{value}");
        ((*name).to_owned(), value)
    });
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(Secret {
            fields: fields.collect(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let rotation = probed.rotate_so(request).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Draining);
}

#[tokio::test]
async fn parts_for_a_key_of_one_string_are_not_stored_and_are_revoked_when_given_up() {
    let (probed, rotator) = with_rotator(1).await;
    rotator.does(Mode::Splits);
    let why = held(&probed, 2).await;
    assert!(why.contains("answered the fields key, key_id"), "{why}");
    assert!(why.contains("has a single value"), "{why}");
    assert!(!why.contains("Canary"), "{why}");
    assert_eq!(probed.caller.lease("p").await.version, 1);
    assert_eq!(probed.stages().await.len(), 1);
    assert_eq!(rotator.good(), [FIRST]);
    probed.cancel(2).await.unwrap();
    let is_clean = async || rotator.good().is_empty();
    eventually("what was made is revoked", is_clean).await;

    // A rotator that was mended makes another.
    held(&probed, 3).await;
    rotator.does(Mode::Works);
    probed.retry(3, false).await.unwrap();
    probed.reaches(3, RotationStep::Draining).await;
    assert_eq!(probed.caller.lease("p").await.version, 3);
    assert_eq!(rotator.good().len(), 1);
}

#[tokio::test]
async fn a_key_of_parts_takes_the_same_parts_alone() {
    let (probed, rotator) = with_rotator(1).await;
    rotate_parts(&probed, &[("key_id", "1"), ("token", "2")]).await;
    rotator.does(Mode::Splits);
    let why = held(&probed, 3).await;
    assert!(why.contains("answered the fields key, key_id"), "{why}");
    assert!(why.contains("has the fields key_id, token"), "{why}");
    rotator.does(Mode::Works);
    probed.retry(3, false).await.unwrap();
    let is_told = async || probed.rotation(3).await.detail.contains("a single value");
    eventually("the rotator is asked again", is_told).await;
    assert!(probed.rotation(3).await.held);
    probed.cancel(3).await.unwrap();

    // A person may change the parts, and the rotator has them too then.
    rotate_parts(&probed, &[("key_id", "3"), ("key", "4")]).await;
    rotator.does(Mode::Splits);
    probed.ask_for_one().await.unwrap();
    probed.reaches(5, RotationStep::Draining).await;
    assert_eq!(probed.caller.lease("p").await.version, 5);
}

#[tokio::test]
async fn a_list_is_no_secret_whatever_is_in_it() {
    let (probed, rotator) = with_rotator(1).await;
    rotator.does(Mode::Lists);
    probed.ask_for_one().await.unwrap();
    let is_told = async || {
        let rotation = probed.rotation(2).await;
        rotation.detail.contains("no JSON object")
    };
    eventually("it is told why nothing was stored", is_told).await;
    assert_eq!(probed.caller.lease("p").await.version, 1);
    assert_eq!(probed.stages().await.len(), 1);
}
