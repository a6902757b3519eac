//! What a rewrap does with rows that do not open, and where its master key may wrap no more.

use keylease::crypto::{MasterKey, WRAPS_REFUSE, WRAPS_WARN};
use keylease::proto::{self, RewrapState};
use tonic::Code;

use crate::harness::cluster::eventually;
use crate::harness::ringed::Ringed;

/// With a promoted key that nothing is wrapped with yet.
async fn promoted(replicas: usize, keys: usize) -> (Ringed, MasterKey) {
    let mut ringed = Ringed::new(replicas, keys).await;
    let new = MasterKey::generate().unwrap();
    for replica in 0..replicas {
        ringed.mount(replica, &[&new]);
    }
    ringed.held_by(&new, i32::try_from(replicas).unwrap()).await;
    ringed.promote(&new).await.unwrap();
    (ringed, new)
}

async fn sql(ringed: &Ringed, statement: String) -> u64 {
    let pool = &ringed.cluster.database.pool;
    let done = sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(pool)
        .await;
    done.unwrap().rows_affected()
}

#[tokio::test]
async fn rows_that_do_not_open_stay_as_they_are_and_keep_their_master_key_needed() {
    let (ringed, new) = promoted(2, 4).await;
    let old = ringed.first();
    let of = |account: &str| {
        format!(
            "s.version_uid in (select v.uid from key_versions v join keys k on k.uid = v.key_uid
                join accounts a on a.uid = k.account_uid where a.id = '{account}')"
        )
    };
    let flip = format!(
        "update secrets s set wrapped_dek = set_byte(wrapped_dek, 50, 1 # get_byte(wrapped_dek, 50)) where {}",
        of("a1")
    );
    assert_eq!(sql(&ringed, flip).await, 1);
    let lost = MasterKey::generate().unwrap().fingerprint();
    let rename = format!(
        "update secrets s set master_key_fingerprint = '{lost}' where {}",
        of("a2")
    );
    assert_eq!(sql(&ringed, rename).await, 1);
    let before = sealed(&ringed).await;
    ringed.rewrap(0).await;
    let rewrap = ringed.rewrapped().await;
    assert_eq!(rewrap.state(), RewrapState::Incomplete);
    assert_eq!((rewrap.total, rewrap.rewrapped, rewrap.failed), (4, 2, 2));
    let after = sealed(&ringed).await;
    let changed = before.iter().zip(&after).filter(|(old, new)| old != new);
    assert_eq!(changed.count(), 2, "two wraps moved");
    let refused = ringed.retire(&old, Some(0)).await.unwrap_err();
    assert!(
        refused.message().contains("1 secrets cannot be read"),
        "{refused}"
    );
    assert!(ringed.key(&new).await.unwrap().wraps_cluster_key);
    assert!(
        ringed
            .cluster
            .replicas
            .iter()
            .any(|r| r.said().contains("could not be wrapped anew"))
    );
}

async fn sealed(ringed: &Ringed) -> Vec<(Vec<u8>, String)> {
    sqlx::query_as(
        "select wrapped_dek, master_key_fingerprint from secrets order by version_uid, field",
    )
    .fetch_all(&ringed.cluster.database.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn one_replica_works_at_it_keeps_its_pace_and_it_can_be_cancelled() {
    let (ringed, _) = promoted(2, 12).await;
    ringed.rewrap(2).await;
    let begun = async || ringed.status().await.rewrap.unwrap().rewrapped >= 2;
    eventually("it has begun", begun).await;
    let began = std::time::Instant::now();
    let first = ringed.status().await.rewrap.unwrap().rewrapped;
    let workers: i64 = sqlx::query_scalar(
        "select count(distinct claimed_by) from rewraps where claimed_until > now()",
    )
    .fetch_one(&ringed.cluster.database.pool)
    .await
    .unwrap();
    assert_eq!(workers, 1);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let moved = ringed.status().await.rewrap.unwrap().rewrapped - first;
    let most = 2.0 * began.elapsed().as_secs_f64() + 1.0;
    assert!(moved >= 1 && (moved as f64) <= most, "{moved} of {most}");
    let request = proto::CancelRewrapRequest::default();
    let mut admin = ringed.admin().await.admin;
    admin.cancel_rewrap(request).await.unwrap();
    let rewrap = ringed.rewrapped().await;
    assert_eq!(rewrap.state(), RewrapState::Cancelled);
    assert!(rewrap.rewrapped < 12);
    // Another one ends what is left, at another pace.
    ringed.rewrap(3).await;
    ringed.rewrap(20_000).await;
    assert_eq!(ringed.rewrapped().await.state(), RewrapState::Done);
}

#[tokio::test]
async fn the_cluster_key_too_is_not_wrapped_once_too_often() {
    let (ringed, new) = promoted(1, 3).await;
    let print = new.fingerprint();
    let left = WRAPS_REFUSE - 4;
    let wraps = format!("update master_keys set wraps = {left} where fingerprint = '{print}'");
    sql(&ringed, wraps).await;
    ringed.rewrap(0).await;
    let rewrap = ringed.rewrapped().await;
    assert_eq!(
        (rewrap.state(), rewrap.rewrapped),
        (RewrapState::Exhausted, 3)
    );
    assert!(!ringed.key(&new).await.unwrap().wraps_cluster_key);
}

#[tokio::test]
async fn a_master_key_that_has_wrapped_often_is_warned_of_and_then_wraps_no_more() {
    let (ringed, new) = promoted(1, 3).await;
    let print = new.fingerprint();
    let wraps = |count: u64| {
        format!("update master_keys set wraps = {count} where fingerprint = '{print}'")
    };
    sql(&ringed, wraps(WRAPS_WARN - 2)).await;
    let admin = ringed.admin().await;
    let warned = || {
        ringed.cluster.replicas[0]
            .said()
            .contains("a master key has wrapped often")
    };
    admin.create_key("a0", "almost", "sk-1").await;
    assert!(!warned());
    admin.create_key("a0", "warned", "sk-2").await;
    assert!(warned());
    sql(&ringed, wraps(WRAPS_REFUSE - 3)).await;
    // Two more, and the third is refused: so the batch of three moves nothing.
    ringed.rewrap(0).await;
    let rewrap = ringed.rewrapped().await;
    assert_eq!(
        (rewrap.state(), rewrap.rewrapped),
        (RewrapState::Exhausted, 0)
    );
    admin.create_key("a0", "last", "sk-3").await;
    admin.create_key("a0", "very-last", "sk-4").await;
    let request = proto::CreateKeyRequest {
        parent: "accounts/a0".to_owned(),
        key_id: "one-too-many".to_owned(),
        secret: Some(crate::harness::setup::secret("sk-5")),
        ..Default::default()
    };
    let refused = admin.admin.clone().create_key(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("promote another first"),
        "{refused}"
    );
    // Neither is it promoted again once another was.
    let old = ringed.first();
    ringed.promote(&old).await.unwrap();
    sql(&ringed, wraps(WRAPS_REFUSE)).await;
    let refused = ringed.promote(&new).await.unwrap_err();
    assert!(
        refused.message().contains("must not wrap more"),
        "{refused}"
    );
}
