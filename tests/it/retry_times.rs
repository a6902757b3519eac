//! The time that a refusal states is true: whoever comes back then is served, if nobody else has asked meanwhile.

use std::time::{Duration, Instant};

use keylease::proto::{Estimate, LeaseKeyRequest, Limit};
use tonic::Code;

use crate::concurrency::concurrency;
use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{requests, span, tokens};

const WINDOW: Duration = Duration::from_secs(4);
/// A timer is never early, but what is waited for may be a moment late on a busy machine.
const LATE: Duration = Duration::from_millis(50);

/// A cluster with the pool `p`, whose one account has this limit.
async fn limited_by(limit: Limit) -> (Cluster, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", limit).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, caller)
}

/// When a call is told to come back that is refused for its limit.
async fn told(caller: &Client, request: &LeaseKeyRequest) -> Duration {
    let refused = caller.refused(request.clone()).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    refused.retry.unwrap()
}

/// Is refused, comes back when it is told to, and is served.
async fn comes_back(caller: &Client, request: LeaseKeyRequest) -> Duration {
    let retry = told(caller, &request).await;
    tokio::time::sleep(retry + LATE).await;
    let answer = caller.ask(request).await;
    answer.unwrap_or_else(|status| panic!("told {retry:?}, then {status}"));
    retry
}

/// Of so many tokens, if they come within as long.
fn needing(input_tokens: i64, max_wait: Duration) -> LeaseKeyRequest {
    LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens,
            ..Estimate::default()
        }),
        max_wait: Some(span(max_wait)),
        ..of("p")
    }
}

#[tokio::test]
async fn a_request_is_free_when_it_was_said_to_be() {
    let (_cluster, caller) = limited_by(requests(2, WINDOW)).await;
    for _ in 0..2 {
        caller.lease("p").await;
    }
    let retry = comes_back(&caller, of("p")).await;
    assert!(retry < WINDOW * 2, "{retry:?}");
}

#[tokio::test]
async fn a_larger_need_is_told_when_all_of_it_is_free() {
    let (_cluster, caller) = limited_by(tokens(1_000, WINDOW)).await;
    let patience = Duration::from_secs(3);
    caller.ask(needing(600, patience)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    caller.ask(needing(400, patience)).await.unwrap();
    // What was granted beyond that is back soon.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let small = told(&caller, &needing(10, Duration::ZERO)).await;
    let large = comes_back(&caller, needing(900, Duration::ZERO)).await;
    assert!(
        large > small + Duration::from_secs(1),
        "{small:?}, {large:?}"
    );
}

#[tokio::test]
async fn a_permit_that_is_held_is_free_when_it_was_said_to_be() {
    let (_cluster, caller) = limited_by(concurrency(1, WINDOW)).await;
    let held = LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_secs(2))),
        ..needing(0, Duration::from_secs(3))
    };
    caller.ask(held).await.unwrap();
    let retry = comes_back(&caller, of("p")).await;
    assert!(retry < WINDOW * 2, "{retry:?}");
}

/// Of a long window little is granted in ten seconds: that is when a retry succeeds, unless nothing is left of it.
#[tokio::test]
async fn what_is_put_off_is_said_at_once_and_free_when_it_was_said_to_be() {
    let hour = Duration::from_secs(3_600);
    let (mut cluster, _) = limited_by(requests(2, hour)).await;
    let paced = ("KEYLEASE_FAILOVER_LOSS_MAX", "10s");
    cluster.add_with(&[paced]).await;
    let admin = cluster.admin().await;
    let token = admin.create_lessee("paced", "p").await;
    cluster.settled().await;
    let caller = cluster.client(1, &token).await;
    caller.lease("p").await;
    let asked = Instant::now();
    let retry = comes_back(&caller, of("p")).await;
    assert!(retry < Duration::from_secs(11), "{retry:?}");
    let waited = asked.elapsed() - retry - LATE;
    assert!(waited < Duration::from_millis(900), "told after {waited:?}");
    let retry = told(&caller, &of("p")).await;
    assert!(retry > hour - Duration::from_secs(20), "{retry:?}");
}

/// A failover could lose a grant with all who know of it: what is larger than any before is known for ten seconds first, to whom ever it
/// is granted then.
#[tokio::test]
async fn a_first_large_need_of_a_long_window_is_granted_when_it_was_said_to_be_by_whichever_replica()
 {
    let (mut cluster, _) = limited_by(tokens(6_400, Duration::from_secs(3_600))).await;
    let paced = ("KEYLEASE_FAILOVER_LOSS_MAX", "10s");
    cluster.add_with(&[paced]).await;
    cluster.add_with(&[paced]).await;
    let admin = cluster.admin().await;
    let token = admin.create_lessee("paced", "p").await;
    cluster.settled().await;
    let callers = [
        cluster.client(1, &token).await,
        cluster.client(2, &token).await,
    ];
    callers[0].ask(needing(40, Duration::ZERO)).await.unwrap();
    let large = || needing(3_000, Duration::ZERO);
    let retry = told(&callers[0], &large()).await;
    let around = Duration::from_secs(8)..Duration::from_secs(13);
    assert!(around.contains(&retry), "{retry:?}");
    // Nobody asks meanwhile.
    tokio::time::sleep(retry + LATE).await;
    callers[1].ask(large()).await.unwrap();
    // From now on it is no news. Nothing else was granted there lately, or soon will have been.
    let again = needing(3_000, Duration::from_secs(8));
    callers[0].ask(again).await.unwrap();
}

/// Small and large needs of two limits, at two replicas in turn, until one is refused.
async fn come_back(callers: [Client; 2], pool: String) {
    let of_pool = |number: i64| LeaseKeyRequest {
        pool: format!("pools/{pool}"),
        ..needing(40 + 70 * (number % 4), Duration::ZERO)
    };
    for number in 0..30 {
        let caller = &callers[usize::try_from(number % 2).unwrap()];
        let Err(status) = caller.ask(of_pool(number)).await else {
            continue;
        };
        let refused = Refusal::of(&status).is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
        let retry = refused.retry.unwrap();
        tokio::time::sleep(retry + LATE).await;
        let answer = caller.ask(of_pool(number)).await;
        answer.unwrap_or_else(|status| panic!("{pool}, {number}: told {retry:?}, then {status}"));
    }
}

#[tokio::test]
async fn of_several_limits_and_replicas_the_time_is_true_too() {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    let pools: Vec<String> = (0..6).map(|number| format!("p{number}")).collect();
    for pool in &pools {
        admin.create_account_and_key(pool).await;
        admin.create_limit(pool, requests(7, WINDOW)).await;
        admin.create_limit(pool, tokens(1_000, WINDOW)).await;
        admin.create_pool(pool, &[pool]).await;
    }
    let token = admin.create_lessee("search", "p*").await;
    cluster.settled().await;
    let mut all = tokio::task::JoinSet::new();
    for pool in pools {
        let callers = [
            cluster.client(0, &token).await,
            cluster.client(1, &token).await,
        ];
        all.spawn(come_back(callers, pool));
    }
    all.join_all().await;
}
