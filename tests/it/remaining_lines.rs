//! Calls that wait until there is something left again of a budget that a provider counts: in order of arrival, over all pools.

use std::time::{Duration, Instant};

use keylease::proto::{LeaseKeyRequest, LeaseKeyResponse};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::setup::span;
use crate::harness::stating::carrying;

type Asked = JoinHandle<Result<LeaseKeyResponse, Status>>;

/// A use for the model, waited for so long.
fn waiting(pool: &str, max_wait: Duration) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: "gpt-5".to_owned(),
        max_wait: Some(span(max_wait)),
        ..of(pool)
    }
}

fn at_once(pool: &str) -> LeaseKeyRequest {
    waiting(pool, Duration::ZERO)
}

/// One account in the pools `p` and `q`, and a lease of it from before anything was said.
async fn shared() -> (Cluster, Client, Client, LeaseKeyResponse) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    for pool in ["p", "q"] {
        admin.create_pool(pool, &["a"]).await;
    }
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    let lease = caller.ask(at_once("p")).await.unwrap();
    (cluster, admin, caller, lease)
}

/// An answer to a use of this lease says that so many are left, for so long.
async fn says(caller: &Client, lease: &LeaseKeyResponse, remaining: &str, reset: &str) {
    let left = carrying(&[
        ("x-ratelimit-remaining-requests", remaining),
        ("x-ratelimit-reset-requests", reset),
    ]);
    caller.report(lease, left).await;
}

/// Asks for a lease beside the test, and comes back when `in_line` calls wait in its pool.
async fn stand(admin: &Client, caller: &Client, pool: &str, in_line: i32) -> Asked {
    let request = waiting(pool, Duration::from_secs(50));
    let caller = caller.clone();
    let asked = tokio::spawn(async move { caller.ask(request).await });
    let stands = async || admin.status(pool).await.waiting == in_line;
    eventually("the call waits", stands).await;
    asked
}

#[tokio::test]
async fn who_came_first_gets_what_a_later_answer_says_is_left_over_all_pools() {
    let (_cluster, admin, caller, lease) = shared().await;
    says(&caller, &lease, "1", "45s").await;
    let mut last = caller.ask(at_once("p")).await.unwrap();
    let mut asked = Vec::new();
    for (pool, in_line) in [("p", 1), ("q", 1), ("p", 2), ("q", 2)] {
        asked.push(stand(&admin, &caller, pool, in_line).await);
    }
    for (index, next) in asked.into_iter().enumerate() {
        says(&caller, &last, "1", "45s").await;
        last = next.await.unwrap().unwrap();
        let (p, q) = (admin.status("p").await, admin.status("q").await);
        assert_eq!(p.waiting + q.waiting, 3 - i32::try_from(index).unwrap());
    }
}

#[tokio::test]
async fn all_who_wait_for_a_reset_are_served_by_then_and_nobody_before() {
    let (_cluster, admin, caller, lease) = shared().await;
    says(&caller, &lease, "0", "4s").await;
    let began = Instant::now();
    let mut asked = Vec::new();
    for in_line in 1..=8 {
        asked.push(stand(&admin, &caller, "p", in_line).await);
    }
    for next in asked {
        next.await.unwrap().unwrap();
    }
    // The clock of the database, which a reset is told by, may be a little ahead; a busy machine is late.
    let range = Duration::from_millis(3_000)..Duration::from_secs(20);
    let passed = began.elapsed();
    assert!(range.contains(&passed), "{passed:?}");
}

#[tokio::test]
async fn who_does_not_wait_until_the_reset_is_refused_at_once_and_told_when_it_is() {
    let (_cluster, _admin, caller, lease) = shared().await;
    says(&caller, &lease, "0", "45s").await;
    let began = Instant::now();
    let refused = caller.refused(waiting("p", Duration::from_secs(20))).await;
    assert!(began.elapsed() < Duration::from_secs(10));
    let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    let retry = refused.retry.unwrap();
    let range = Duration::from_secs(30)..=Duration::from_secs(46);
    assert!(range.contains(&retry), "{retry:?}");
}
