//! What is reported while a replica cannot reach the database is not lost when it can again.

use keylease::proto;
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{http, used};
use crate::harness::proxy::Proxy;
use crate::harness::setup::{MINUTE, tokens};

/// Two replicas, the second of which reaches the database through a proxy, the pool `p` of one key, and a caller at the second.
async fn of_one_to_cut_off() -> (Cluster, Proxy, Client, Client) {
    let mut cluster = Cluster::start().await;
    let proxy = cluster.proxy().await;
    cluster.add().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let cut_off = cluster.client(1, &token).await;
    (cluster, proxy, admin, cut_off)
}

#[tokio::test]
async fn a_verdict_that_could_not_be_committed_is_when_the_database_is_back() {
    let (cluster, proxy, admin, cut_off) = of_one_to_cut_off().await;
    let lease = cut_off.lease("p").await;
    proxy.cut();
    let rejected = reporting(&lease, vec![http(401, &[])]);
    let refused = cut_off.tell(rejected).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    proxy.open();
    // The caller has given up. The fleet hears of it all the same, and can be told that it is over.
    let dead = async || admin.status("p").await.keys_dead == 1;
    eventually("the verdict is committed", dead).await;
    let clear = proto::ClearHealthRequest {
        name: lease.key.clone(),
        ..Default::default()
    };
    let cleared = admin.admin.clone().clear_health(clear).await.unwrap();
    assert_eq!(cleared.into_inner().cleared, 1);
    cluster.settled().await;
    cut_off.ask(of("p")).await.unwrap();
}

#[tokio::test]
async fn a_success_waits_for_no_verdict_of_others_while_the_database_is_away() {
    let (_cluster, proxy, admin, cut_off) = of_one_to_cut_off().await;
    let (wrong, well) = (cut_off.lease("p").await, cut_off.lease("p").await);
    proxy.cut();
    // Of the same key, account and pool.
    let rejected = reporting(&wrong, vec![http(401, &[])]);
    let refused = cut_off.tell(rejected.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    let asked = std::time::Instant::now();
    cut_off.report(&well, http(200, &[])).await;
    let took = asked.elapsed();
    assert!(took < std::time::Duration::from_secs(3), "{took:?}");
    // The same report again owes what it owed.
    let refused = cut_off.tell(rejected).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    proxy.open();
    let dead = async || admin.status("p").await.keys_dead == 1;
    eventually("the verdict is committed", dead).await;
}

#[tokio::test]
async fn a_report_for_another_replica_waits_until_it_can_be_written() {
    let mut cluster = Cluster::start().await;
    let proxy = cluster.proxy().await;
    cluster.add().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", tokens(100_000, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let issuer = cluster.client(0, &token).await;
    let cut_off = cluster.client(1, &token).await;
    let lease = issuer.lease("p").await;
    proxy.cut();
    cut_off.report(&lease, used(40_000, 20_000)).await;
    // Some rounds fail.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    proxy.open();
    let charged = async || admin.status("p").await.limits[0].charged >= 60_000;
    eventually("what was used beyond the estimate is charged", charged).await;
}
