//! Leases of a replica that was killed, reported in parts and at several replicas at once; and what it held of a limit of what is under way.

use std::time::Duration;

use keylease::proto::{LeaseKeyRequest, LeaseKeyResponse, Limit, ReportOutcomeRequest};

use crate::concurrency::concurrency;
use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{not_sent, success, times};
use crate::harness::setup::{requests, span};

/// Longer than a test: what is given back comes back by a report or not at all.
const LONG: Duration = Duration::from_mins(30);

/// Three replicas, the pool `p` whose account has this limit, far larger than a lease of so many uses from the first, which closes the block and is
/// killed.
async fn bereft(limit: Limit, uses: i32) -> (Cluster, [Client; 2], LeaseKeyResponse) {
    let mut cluster = Cluster::of(3).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", limit).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let first = cluster.client(0, &token).await;
    let others = [
        cluster.client(1, &token).await,
        cluster.client(2, &token).await,
    ];
    let lease = first.ask(batch(uses)).await.unwrap();
    assert_eq!(lease.granted, uses);
    // Demand is forgotten by then, so that nothing is reserved for more of it, which would stay charged for as long as leases last.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let query = "select sum(units)::bigint from limit_blocks having bool_and(closed)";
    let closed = async || charged(&cluster, query).await == Some(i64::from(uses));
    eventually("the block is closed", closed).await;
    cluster.replicas[0].end("-KILL").await;
    (cluster, others, lease)
}

fn batch(uses: i32) -> LeaseKeyRequest {
    LeaseKeyRequest {
        requests: Some(uses),
        max_wait: Some(span(Duration::from_secs(10))),
        lease_duration: Some(span(Duration::from_mins(10))),
        ..of("p")
    }
}

fn part(lease: &LeaseKeyResponse, sequence: i32, unused: i32) -> ReportOutcomeRequest {
    ReportOutcomeRequest {
        sequence,
        ..reporting(lease, vec![times(unused, not_sent())])
    }
}

async fn charged(cluster: &Cluster, query: &'static str) -> Option<i64> {
    let units = sqlx::query_scalar(query).fetch_optional(&cluster.database.pool);
    units.await.unwrap().flatten()
}

/// What is left of what the replica that was killed had been granted, and stays so.
async fn comes_to(cluster: &Cluster, units: i64) {
    const OF_THE_DEAD: &str = "select sum(units)::bigint from limit_blocks where epoch > 0";
    let is_so = async || charged(cluster, OF_THE_DEAD).await == Some(units);
    eventually("the other replicas have settled what was reported", is_so).await;
    let none_left =
        async || charged(cluster, "select count(*) from foreign_reports").await == Some(0);
    eventually("no report is left", none_left).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(charged(cluster, OF_THE_DEAD).await, Some(units));
}

#[tokio::test]
async fn parts_that_come_to_two_replicas_at_once_count_once_each() {
    let (cluster, [second, third], lease) = bereft(requests(80, LONG), 8).await;
    let told = tokio::join!(
        second.tell(part(&lease, 0, 2)),
        third.tell(part(&lease, 0, 2)),
        second.tell(part(&lease, 1, 1)),
        third.tell(part(&lease, 2, 3)),
    );
    told.0.unwrap();
    told.1.unwrap();
    told.2.unwrap();
    told.3.unwrap();
    comes_to(&cluster, 8 - 2 - 1 - 3).await;
    // Again, at the other one each; and what is left of it, which ends it.
    second.tell(part(&lease, 2, 3)).await.unwrap();
    third.tell(part(&lease, 1, 1)).await.unwrap();
    let last = ReportOutcomeRequest {
        sequence: 4,
        ..reporting(&lease, vec![times(1, success()), times(1, not_sent())])
    };
    third.tell(last).await.unwrap();
    comes_to(&cluster, 1).await;
}

#[tokio::test]
async fn parts_that_together_count_more_uses_than_there_are_give_nothing_back_for_it() {
    let (cluster, [second, third], lease) = bereft(requests(50, LONG), 5).await;
    let (one, other) = tokio::join!(
        second.tell(part(&lease, 0, 3)),
        third.tell(part(&lease, 1, 3))
    );
    one.unwrap();
    other.unwrap();
    comes_to(&cluster, 2).await;
}

/// Leases from the pool until nothing is left, which is after so many uses.
async fn fill(caller: &Client, uses: i32) {
    let mut granted = 0;
    while granted < uses {
        granted += caller.ask(batch(uses - granted)).await.unwrap().granted;
    }
    assert_eq!(granted, uses);
    let more = caller.ask(of("p")).await;
    assert!(more.is_err(), "more than {uses} uses were leased");
}

#[tokio::test]
async fn permits_that_a_dead_replica_held_come_back_by_reports_at_others() {
    let (cluster, [second, third], lease) = bereft(concurrency(48, LONG), 6).await;
    fill(&second, 42).await;
    let half = |sequence| ReportOutcomeRequest {
        sequence,
        ..reporting(&lease, vec![times(2, success())])
    };
    let (one, other) = tokio::join!(second.tell(half(0)), third.tell(half(0)));
    one.unwrap();
    other.unwrap();
    comes_to(&cluster, 4).await;
    fill(&third, 2).await;
    second.tell(half(1)).await.unwrap();
    third.tell(half(2)).await.unwrap();
    comes_to(&cluster, 0).await;
    fill(&second, 4).await;
}
