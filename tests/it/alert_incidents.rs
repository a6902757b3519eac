//! What befalls many keys at once is told of as that, and not as so many dead keys.

use std::time::Duration;

use keylease::proto::{Alert, AlertKind};

use crate::alert_kinds::open;
use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually, eventually_some};
use crate::harness::crowd::{ACCOUNTS, Crowd, first_lease, leases, report_all};
use crate::harness::outcomes::{http, success};

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
async fn a_pool_whose_only_provider_fails_is_exhausted_until_its_trial_goes_well() {
    let mut cluster = Cluster::logging(0, "info").await;
    for _ in 0..2 {
        let brief = [("KEYLEASE_ALERT_RESOLVE_AFTER", "15s")];
        cluster.add_with(&brief).await;
    }
    let crowd = Crowd::on(cluster, 2).await;
    let callers = [crowd.caller(0, 0).await, crowd.caller(1, 0).await];
    let away = http(503, &[("retry-after", "25")]);
    for caller in &callers {
        let all = leases(caller, 6).await;
        report_all(caller, &all, &away).await;
    }
    let find = async || {
        let is_told = |alert: &Alert| alert.kind() == AlertKind::PoolExhausted;
        open(&crowd.admin).await.into_iter().find(is_told)
    };
    let told = eventually_some("the pool is told of", &find).await;
    assert_eq!(told.resource, "pools/p");
    let text = "of 5 keys 5 of a provider that fails; the first may at";
    assert!(told.summary.contains(text), "{}", told.summary);
    let lasts = told.until.unwrap().seconds - told.open_time.unwrap().seconds;
    assert!((10..=25).contains(&lasts), "{lasts}");
    // The trial is out for longer than an alert lasts that nobody sees: nothing is over.
    let (tried, trial) = first_lease(&callers).await;
    tokio::time::sleep(Duration::from_secs(21)).await;
    assert_eq!(find().await.unwrap().uid, told.uid);
    callers[tried].report(&trial, success()).await;
    let is_over = async || find().await.is_none();
    eventually("a key serves", is_over).await;
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
