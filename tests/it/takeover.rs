//! Reports on leases of a replica that is gone, or seems to be: settled by another, once.

use std::time::{Duration, Instant};

use keylease::proto::LeaseKeyResponse;
use tokio::task::JoinSet;

use crate::concurrency::concurrency;
use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::not_sent;
use crate::harness::setup::{requests, span};

/// Longer than a test: what is given back comes back by a report or not at all.
const LONG: Duration = Duration::from_mins(30);

/// Two replicas, the pool `p` whose account may make one request in a long time, and a lease of it from the first, which has closed
/// the block.
async fn of_one_use() -> (Cluster, [Client; 2], LeaseKeyResponse) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(1, LONG)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let callers = [
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    ];
    let request = keylease::proto::LeaseKeyRequest {
        max_wait: Some(span(Duration::from_secs(10))),
        ..of("p")
    };
    let lease = callers[0].ask(request).await.unwrap();
    let closed = async || charged(&cluster, "closed").await > 0;
    eventually("the block is closed", closed).await;
    (cluster, callers, lease)
}

#[tokio::test]
async fn what_was_drawn_with_a_lease_that_is_settled_can_still_go_on() {
    let mut cluster = Cluster::of(3).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", concurrency(80, LONG)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let first = cluster.client(0, &token).await;
    let second = cluster.client(1, &token).await;
    let third = cluster.client(2, &token).await;
    let request = || keylease::proto::LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_mins(5))),
        max_wait: Some(span(Duration::from_secs(10))),
        ..of("p")
    };
    let mut asked = JoinSet::new();
    for _ in 0..8 {
        let (caller, request) = (first.clone(), request());
        asked.spawn(async move { caller.ask(request).await.unwrap() });
    }
    let mut leases = asked.join_all().await;
    let is_closed = async || {
        let charged = async |which| charged(&cluster, which).await;
        charged("closed").await == 8 && charged("all").await == 8
    };
    eventually("the blocks are closed", is_closed).await;
    cluster.replicas[0].end("-KILL").await;
    // The first came alone; the last was drawn from a block with others.
    let settled = leases.pop().unwrap();
    let outcomes = vec![not_sent()];
    second.tell(reporting(&settled, outcomes)).await.unwrap();
    let back = async || charged(&cluster, "taken over").await > 0;
    eventually("another replica settles a lease of several", back).await;
    assert_eq!(charged(&cluster, "all").await, 7);
    let renew = async |lease: &LeaseKeyResponse| {
        let request = keylease::proto::RenewLeaseRequest {
            lease_id: lease.lease_id.clone(),
            lease_duration: None,
        };
        third.leases.clone().renew_lease(request).await
    };
    for lease in &leases {
        renew(lease).await.unwrap();
    }
    renew(&settled).await.unwrap_err();
}

/// Units charged, of blocks of which this holds.
async fn charged(cluster: &Cluster, which: &'static str) -> i64 {
    let query = match which {
        "closed" => "select coalesce(sum(units), 0)::bigint from limit_blocks where closed",
        "taken over" => "select coalesce(sum(units), -1)::bigint from limit_blocks where epoch > 0",
        _ => "select coalesce(sum(units), 0)::bigint from limit_blocks",
    };
    let units = sqlx::query_scalar(query).fetch_one(&cluster.database.pool);
    units.await.unwrap()
}

#[tokio::test]
async fn what_a_dead_replica_gave_and_nobody_used_comes_back() {
    let (mut cluster, [_, second], lease) = of_one_use().await;
    cluster.replicas[0].end("-KILL").await;
    let outcomes = vec![not_sent()];
    for _ in 0..2 {
        second
            .tell(reporting(&lease, outcomes.clone()))
            .await
            .unwrap();
    }
    let began = Instant::now();
    let back = async || charged(&cluster, "taken over").await == 0;
    eventually("another replica settles the lease", back).await;
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
    let leased = async || second.ask(of("p")).await.is_ok();
    eventually("the permit can be leased again", leased).await;
}

#[tokio::test]
async fn a_replica_that_was_only_stopped_gives_back_nothing_twice() {
    let (cluster, [first, second], lease) = of_one_use().await;
    cluster.replicas[0].signal("-STOP");
    let outcomes = vec![not_sent()];
    second
        .tell(reporting(&lease, outcomes.clone()))
        .await
        .unwrap();
    let back = async || charged(&cluster, "taken over").await == 0;
    eventually("another replica settles the lease", back).await;
    // It is handed out anew before the one that was stopped hears of the same report.
    let leased = async || second.ask(of("p")).await.is_ok();
    eventually("the permit can be leased again", leased).await;
    cluster.replicas[0].signal("-CONT");
    first.tell(reporting(&lease, outcomes)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(charged(&cluster, "all").await, 1);
    assert!(second.ask(of("p")).await.is_err());
}
