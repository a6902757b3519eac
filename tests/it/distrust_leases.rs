//! Leases from what somebody edited in the database: refused for a reason of their own.

use keylease::proto::RefusalReason;
use tonic::Code;

use crate::harness::client::of;
use crate::harness::raided::Raided;

#[tokio::test]
async fn a_key_is_refused_beside_those_that_clear_by_themselves() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    admin.create_pool("pool-both", &["a", "b"]).await;
    raided
        .edit(
            "update keys set model_allow = '{evil}' where account_uid = (select uid from accounts where id = 'a');
            update key_versions set health = 'dead', health_until = now() + interval '1 day', health_class = 'credential'
            where key_uid = (select k.uid from keys k join accounts a on a.uid = k.account_uid where a.id = 'b')",
        )
        .await;
    raided.counts("key", 1.0).await;
    let refused = raided.honest.refused(of("pool-both")).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_DEAD");
    assert_eq!(refused.count(RefusalReason::Tampered), 1);
    assert_eq!(refused.total(), 2);
}

#[tokio::test]
async fn a_pool_that_was_edited_refuses_whoever_may_use_it_and_tells_nobody_else() {
    let raided = Raided::new().await;
    raided
        .edit("update pools set strategy = 'weighted' where id = 'pool-b'")
        .await;
    let refused = raided.honest.refused(of("pool-b")).await;
    let refused = refused.is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
    assert!(
        refused.message.contains("the pool was changed"),
        "{refused:?}"
    );
    let stranger = raided.mallory.refused(of("pool-b")).await;
    stranger.is(Code::PermissionDenied, "POOL_DENIED");
}

#[tokio::test]
async fn whoever_asks_for_an_account_that_was_edited_hears_so() {
    let raided = Raided::new().await;
    raided
        .edit("update accounts set allow_http = true where id = 'a'")
        .await;
    let mut pinned = of("pool-a");
    pinned.account = "accounts/a".to_owned();
    let refused = raided.honest.refused(pinned).await;
    let refused = refused.is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
    assert_eq!(refused.count(RefusalReason::Tampered), 1);
    for part in ["changed outside of keylease", "restore the rows"] {
        assert!(refused.message.contains(part), "{refused:?}");
    }
    // A secret cannot be rotated into what is not believed.
    assert!(!refused.message.contains("rotate"), "{refused:?}");
    raided.notices("\"row.id\":\"a\"").await;
}

#[tokio::test]
async fn a_secret_that_does_not_open_is_logged_by_name() {
    let raided = Raided::new().await;
    let swap = "update secrets s set wrapped_dek = o.wrapped_dek, ciphertext = o.ciphertext
        from secrets o where o.version_uid <> s.version_uid";
    raided.edit(swap).await;
    raided
        .notices("\"version\":\"accounts/a/keys/k/versions/1\"")
        .await;
}
