//! Versions that something cannot be done to, more of them than are tried in one go: the sound ones behind them are not held up.

use std::time::Duration;

use keylease::proto::{
    Account, ImportKeysRequest, ImportedAccount, ImportedKey, RotateKeyRequest, VersionStage,
};

use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::probed::Probed;
use crate::harness::rotator::{OLD, with_rotator};
use crate::harness::setup::{secret, span};

/// More than are looked at in one go.
const STUCK: usize = 205;

/// Keys of the same account whose rows Postgres refuses to write where the condition holds.
async fn stuck(probed: &Probed, table: &str, condition: &str) {
    let keys = (0..STUCK).map(|number| ImportedKey {
        key_id: format!("stuck-{number}"),
        secret: Some(secret(&format!("sk-Canary_Stuck_{number}"))),
        ..Default::default()
    });
    let request = ImportKeysRequest {
        accounts: vec![ImportedAccount {
            account_id: "a".to_owned(),
            account: Some(Account {
                provider_profile: "openai".to_owned(),
                base_url: probed.provider.base_url(),
                allow_http: true,
                ..Default::default()
            }),
            keys: keys.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut admin = probed.admin.admin.clone();
    admin.import_keys(request).await.unwrap();
    let refuses = format!(
        "create function refuses() returns trigger language plpgsql as $$ begin
            if {condition} and exists (select from keys where uid = new.key_uid and id like 'stuck-%')
            then raise exception 'it is stuck'; end if; return new; end $$"
    );
    probed.sql(&refuses).await;
    let trigger = format!(
        "create trigger refuses before insert or update on {table} for each row execute function refuses()"
    );
    probed.sql(&trigger).await;
}

/// All keys are due, the one that is not stuck last of all.
async fn are_due(probed: &Probed) {
    let aged = "with next as (update cluster set rev = rev + 1 returning rev)
        update key_versions v set rev = next.rev,
            promote_time = clock_timestamp() - case k.id when 'k' then interval '169 days' else interval '300 days' end
        from next, keys k where k.uid = v.key_uid";
    assert!(probed.sql(aged).await as usize > STUCK);
}

async fn tried(probed: &Probed, deed: &str) -> u64 {
    let tried = format!("update version_retries set tries = tries where deed = '{deed}'");
    probed.sql(&tried).await
}

#[tokio::test]
async fn keys_that_cannot_be_rotated_hold_up_no_other_that_is_due() {
    let (probed, rotator) = with_rotator(1).await;
    stuck(&probed, "rotations", "new.step = 'creating'").await;
    are_due(&probed).await;
    let is_asked = async || !rotator.heard("create").is_empty();
    eventually("the sound key is rotated", is_asked).await;
    assert_eq!(rotator.heard("create")[0]["key"], KEY);
    let all = async || tried(&probed, "replace").await as usize == STUCK;
    eventually("each of the others has a time of its own", all).await;
}

#[tokio::test]
async fn versions_that_cannot_be_revoked_hold_up_no_other() {
    let probed = Probed::start(1, OLD, false).await;
    stuck(&probed, "key_versions", "new.stage = 'revoked'").await;
    let replaced = "with next as (update cluster set rev = rev + 1 returning rev)
        insert into key_versions (uid, rev, key_uid, number, stage, create_time, update_time, sealed_hosts, keep_until, drain_until)
        select gen_random_uuid(), next.rev, k.uid, 2, 'previous', clock_timestamp(), clock_timestamp(), '{}',
            clock_timestamp() - interval '2 days', clock_timestamp() - interval '1 day' from keys k, next where k.id like 'stuck-%'";
    assert_eq!(probed.sql(replaced).await as usize, STUCK);
    let some = async || tried(&probed, "revoke").await > 50;
    eventually("they are tried in vain", some).await;
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret("sk-Canary_Sound_c8Vb4Nm")),
        grace: Some(span(Duration::ZERO)),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
    let is_revoked = async || probed.stages().await[1] == VersionStage::Revoked;
    eventually("the sound one is revoked", is_revoked).await;
    // What is wrong is mended, and nobody has to say so.
    probed.sql("drop trigger refuses on key_versions").await;
    probed
        .sql("update version_retries set next_time = clock_timestamp()")
        .await;
    let left = "update key_versions set stage = stage where stage = 'previous'";
    let all = async || probed.sql(left).await == 0;
    eventually("the others are revoked too", all).await;
}
