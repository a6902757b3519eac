//! Secrets that come back by another door while their provider is yet to forget them: they stay good, or nobody stores them.

use std::time::Duration;

use keylease::proto::{
    Account, CreateKeyRequest, ImportKeysRequest, ImportedAccount, ImportedKey,
    ListAuditRecordsRequest, RotateKeyRequest, RotationStep,
};
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::refusal::Refusal;
use crate::harness::rotator::{FIRST, Mode, Rotator, with_rotator};
use crate::harness::setup::{secret, span};

const AFTER: &str = "sk-Canary_After_c8Vb4Nm";
const ROTATION: &str = "accounts/a/keys/k/rotations/3";

/// A key whose third rotation is to have [`FIRST`] revoked by a rotator that does this with it.
async fn leaving(mode: Mode) -> (Probed, Rotator) {
    let (probed, rotator) = with_rotator(1).await;
    probed.ask_for_one().await.unwrap();
    probed.reaches(2, RotationStep::Done).await;
    rotator.does(mode);
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret(AFTER)),
        grace: Some(span(Duration::ZERO)),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
    let is_asked = async || rotator.heard("revoke").len() > 1;
    eventually("the rotator is asked", is_asked).await;
    (probed, rotator)
}

/// Until what is known of the request is this, as SQL has it.
async fn until_known(probed: &Probed, revocation: &str) {
    let known = format!(
        "update rotations set why = why where to_number = 3 and attempts > 0 and revocation {revocation}"
    );
    let is_known = async || probed.sql(&known).await == 1;
    eventually("the answer is noted", is_known).await;
}

async fn create(probed: &Probed, id: &str, value: &str) -> Result<(), Status> {
    let request = CreateKeyRequest {
        parent: "accounts/a".to_owned(),
        key_id: id.to_owned(),
        secret: Some(secret(value)),
        ..Default::default()
    };
    let created = probed.admin.admin.clone().create_key(request).await;
    created.map(drop)
}

async fn import(probed: &Probed, account: &str, value: &str) -> Result<(), Status> {
    let request = ImportKeysRequest {
        accounts: vec![ImportedAccount {
            account_id: account.to_owned(),
            account: Some(Account {
                provider_profile: "openai".to_owned(),
                ..Default::default()
            }),
            keys: vec![ImportedKey {
                key_id: "imported".to_owned(),
                secret: Some(secret(value)),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let imported = probed.admin.admin.clone().import_keys(request).await;
    imported.map(drop)
}

/// The rotation is over, its secret is good for as long as anybody waits, and that is on record.
async fn stays_good(probed: &Probed, rotator: &Rotator, said: &str) {
    probed.reaches(3, RotationStep::Done).await;
    let asked = asked_for(rotator);
    rotator.does(Mode::Works);
    sleep(A_WHILE).await;
    assert_eq!(asked_for(rotator), asked);
    assert!(rotator.good().contains(&FIRST.to_owned()));
    is_on_record(probed, said).await;
}

/// How often the rotator was asked to revoke [`FIRST`]: other versions may well be revoked meanwhile.
fn asked_for(rotator: &Rotator) -> usize {
    let heard = rotator.heard("revoke").into_iter();
    heard
        .filter(|body| body["revoke"]["reference"] == "key_1")
        .count()
}

async fn is_on_record(probed: &Probed, said: &str) {
    let request = ListAuditRecordsRequest::default();
    let answer = probed.admin.admin.clone().list_audit_records(request).await;
    let records = answer.unwrap().into_inner().records;
    let told = records
        .iter()
        .any(|record| record.resource == ROTATION && record.summary.contains(said));
    assert!(told, "{said}: {records:?}");
}

/// It is refused, by the name of its field, the rotation, and what to do.
fn is_refused(stored: Result<(), Status>, field: &str) {
    let status = stored.unwrap_err();
    let refused = Refusal::of(&status);
    assert_eq!(refused.code, Code::FailedPrecondition, "{status:?}");
    assert_eq!(refused.reason, "STATE_FORBIDS");
    assert_eq!(refused.fields, [field]);
    assert!(refused.message.contains(ROTATION), "{}", refused.message);
    assert!(refused.message.contains("make another secret there"));
    assert!(!format!("{status:?}").contains(FIRST));
}

const SPARED: &str = "version 2 is not revoked at its provider, since its secret came back";

#[tokio::test]
async fn a_secret_that_comes_back_as_a_new_key_stays_good() {
    let (probed, rotator) = leaving(Mode::Answers(503)).await;
    until_known(&probed, "is null").await;
    create(&probed, "again", FIRST).await.unwrap();
    stays_good(&probed, &rotator, SPARED).await;
    // The rotator's name goes along: one version alone lives by it.
    let handed = "update provider_references set reference = reference where reference = 'key_1'";
    assert_eq!(probed.sql(handed).await, 1);
}

#[tokio::test]
async fn a_secret_that_comes_back_by_an_import_into_another_account_stays_good() {
    let (probed, rotator) = leaving(Mode::Answers(503)).await;
    until_known(&probed, "is null").await;
    import(&probed, "b", FIRST).await.unwrap();
    stays_good(&probed, &rotator, SPARED).await;
}

#[tokio::test]
async fn a_secret_that_a_rotator_answers_again_stays_good() {
    let (probed, rotator) = leaving(Mode::Keeps).await;
    until_known(&probed, "is null").await;
    rotator.begins_anew();
    let rotation = probed.ask_for_one().await.unwrap();
    assert_eq!(rotation.to_version, format!("{KEY}/versions/4"));
    probed.reaches(4, RotationStep::Draining).await;
    stays_good(&probed, &rotator, SPARED).await;
}

#[tokio::test]
async fn a_secret_that_is_being_revoked_is_stored_for_nobody_and_its_rotation_not_given_up() {
    let (probed, rotator) = leaving(Mode::Holds).await;
    is_refused(create(&probed, "again", FIRST).await, "secret");
    let field = "accounts[0].keys[0].secret";
    is_refused(import(&probed, "b", FIRST).await, field);
    let rotated = probed.rotate(FIRST).await.map(drop);
    is_refused(rotated, "secret");
    let refused = probed.try_cancel(3).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("at this moment"), "{refused:?}");
    // Another secret is none of that.
    create(&probed, "another", "sk-another").await.unwrap();
    rotator.does(Mode::Works);
    probed.reaches(3, RotationStep::Done).await;
    assert!(rotator.good().is_empty());
}

#[tokio::test]
async fn a_secret_that_may_be_revoked_is_stored_once_a_person_says_that_it_is_good() {
    let (probed, rotator) = leaving(Mode::Answers(500)).await;
    until_known(&probed, "= 'unclear'").await;
    is_refused(create(&probed, "again", FIRST).await, "secret");
    // That it refuses now says nothing of before.
    rotator.does(Mode::Answers(503));
    let asked = rotator.heard("revoke").len();
    let is_asked = async || rotator.heard("revoke").len() > asked;
    eventually("the rotator is asked again", is_asked).await;
    until_known(&probed, "= 'unclear'").await;
    is_refused(create(&probed, "again", FIRST).await, "secret");
    probed.cancel(3).await.unwrap();
    create(&probed, "again", FIRST).await.unwrap();
    rotator.does(Mode::Works);
    sleep(A_WHILE).await;
    assert_eq!(rotator.good(), [FIRST]);
}

#[tokio::test]
async fn a_secret_that_somebody_has_again_is_seen_before_its_rotator_is_asked() {
    let (probed, rotator) = leaving(Mode::Answers(503)).await;
    until_known(&probed, "is null").await;
    // As a replica of an earlier release stores it, which spares nothing.
    create(&probed, "again", "sk-again").await.unwrap();
    let same = "update secrets set fingerprint = r.fingerprint from rotations r, key_versions v, keys k
        where r.fingerprint is not null and v.uid = version_uid and k.uid = v.key_uid and k.id = 'again'";
    assert_eq!(probed.sql(same).await, 1);
    let said = format!("{SPARED} as that of accounts/a/keys/again/versions/1");
    stays_good(&probed, &rotator, &said).await;
}

#[tokio::test]
async fn what_is_revoked_when_the_turn_is_over_is_on_record_and_done() {
    let (probed, rotator) = leaving(Mode::Holds).await;
    let taken = "update rotations set epoch = epoch + 1, next_attempt_time = clock_timestamp() + interval '4 min' where to_number = 3";
    assert_eq!(probed.sql(taken).await, 1);
    rotator.does(Mode::Works);
    probed.reaches(3, RotationStep::Done).await;
    is_on_record(&probed, "revoked at its provider, as was answered late").await;
    assert!(rotator.good().is_empty());
}
