//! What befalls many keys at once is told of as that, and not as so many dead keys.

use keylease::proto::{Alert, AlertKind};

use crate::alert_kinds::open;
use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually, eventually_some};
use crate::harness::crowd::{ACCOUNTS, Crowd, report_all};
use crate::harness::outcomes::http;

#[tokio::test]
async fn keys_of_a_pool_that_die_together_are_one_alert_of_the_pool() {
    let crowd = Crowd::of(2, 2).await;
    // What one caller alone says trips nothing.
    let callers = [crowd.caller(0, 0).await, crowd.caller(1, 0).await];
    let mut leases = Vec::new();
    for (index, _) in ACCOUNTS.iter().enumerate() {
        let caller = &callers[index % callers.len()];
        leases.push((caller, caller.lease("p").await));
    }
    for (caller, lease) in leases {
        report_all(caller, &[lease], &http(401, &[])).await;
    }
    let open = async || open(&crowd.admin).await;
    let told = eventually_some("the pool is told of", async || {
        let is_told = |alert: &Alert| alert.kind() == AlertKind::MassFailure;
        open().await.into_iter().find(is_told)
    })
    .await;
    assert_eq!(told.resource, "pools/p");
    assert!(told.summary.contains("die together"), "{}", told.summary);
    assert!(told.until.is_some());
    // A look may come between the first deaths and the one that is too many.
    let died = open().await;
    let died = died.iter().filter(|a| a.kind() == AlertKind::KeyDied);
    assert!(died.count() < ACCOUNTS.len() / 2 + 1);
}

#[tokio::test]
async fn a_pool_whose_keys_wait_for_their_canaries_is_exhausted_no_more() {
    let mut cluster = Cluster::logging(0, "info").await;
    cluster
        .add_with(&[("KEYLEASE_ALERT_RESOLVE_AFTER", "15s")])
        .await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    admin.create_pool("p", &["a", "b"]).await;
    sqlx::raw_sql(
        "update cluster set rev = rev + 1;
        update key_versions set health = 'dead', health_until = now() + interval '20 seconds', health_why = 'x',
            health_class = 'credential', rev = (select rev from cluster)",
    )
    .execute(&cluster.database.pool)
    .await
    .unwrap();
    let is_open = async |kind| open(&admin).await.iter().any(|alert| alert.kind() == kind);
    eventually("no key serves", async || {
        is_open(AlertKind::PoolExhausted).await
    })
    .await;
    let over = async || !is_open(AlertKind::PoolExhausted).await;
    eventually("the next lease is a canary", over).await;
    assert!(is_open(AlertKind::LastHealthyKey).await);
    assert_eq!(admin.status("p").await.keys_serving, 2);
    let token = admin.create_lessee("search", "p").await;
    let told = cluster.client(0, &token).await.explain(&of("p")).await;
    assert!(told.keys.iter().all(|key| key.canary), "{told:?}");
}
