//! Lines of calls that wait: over several pools and several limits of one account, and when they are full.

use std::time::{Duration, Instant};

use keylease::proto::outcome::Result as Seen;
use keylease::proto::{DeleteLimitRequest, LeaseKeyRequest, LeaseKeyResponse, Limit};
use tokio::task::{JoinHandle, JoinSet};
use tonic::{Code, Status};

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{http, not_sent, success};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, requests, span};

/// How many calls of a pool wait on one replica.
const WAITING_MAX: i32 = 10_000;

/// What the provider counts for each model by itself.
const TOO_MANY_OF_A_MODEL: &str = r#"{"error": {"code": "rate_limit_exceeded", "type": "requests",
    "message": "Rate limit reached for m1 in organization org-1 on requests per min. Limit: 3, Used: 3."}}"#;

/// A cluster with an account of these limits in the pools `p` and `q`.
async fn limited_by(limits: Vec<Limit>) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    for limit in limits {
        admin.create_limit("a", limit).await;
    }
    for pool in ["p", "q"] {
        admin.create_pool(pool, &["a"]).await;
    }
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

type Asked = JoinHandle<Result<LeaseKeyResponse, Status>>;

fn waiting(pool: &str, model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        max_wait: Some(span(Duration::from_secs(50))),
        ..of(pool)
    }
}

/// Asks for a lease beside the test, and comes back when `in_line` calls wait in its pool.
async fn stand(admin: &Client, caller: &Client, request: LeaseKeyRequest, in_line: i32) -> Asked {
    let pool = request.pool.trim_start_matches("pools/").to_owned();
    let caller = caller.clone();
    let asked = tokio::spawn(async move { caller.ask(request).await });
    let stands = async || admin.status(&pool).await.waiting == in_line;
    eventually("the call waits", stands).await;
    asked
}

fn of_models(models: &[&str], amount: i64, window: Duration) -> Limit {
    Limit {
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        ..requests(amount, window)
    }
}

#[tokio::test]
async fn whoever_came_first_goes_first_over_pools_that_share_an_account() {
    let (_cluster, admin, caller) = limited_by(vec![requests(1, MINUTE)]).await;
    let mut lease = caller.lease("p").await;
    let mut asked = Vec::new();
    for (pool, in_line) in [("p", 1), ("q", 1), ("p", 2), ("q", 2)] {
        asked.push(stand(&admin, &caller, waiting(pool, "x"), in_line).await);
    }
    for (index, next) in asked.into_iter().enumerate() {
        caller.report(&lease, not_sent()).await;
        lease = next.await.unwrap().unwrap();
        let left = async || {
            let (p, q) = (admin.status("p").await, admin.status("q").await);
            p.waiting + q.waiting == 3 - i32::try_from(index).unwrap()
        };
        eventually("the others still wait", left).await;
    }
}

/// Takes one lease after the other, and reports each as answered.
async fn hammer(caller: Client, model: &str) {
    loop {
        if let Ok(lease) = caller.ask(waiting("p", model)).await {
            caller.report(&lease, success()).await;
        }
    }
}

#[tokio::test]
async fn who_needs_permits_of_two_limits_is_served_beside_many_who_need_one() {
    let window = Duration::from_secs(2);
    let limits = vec![
        of_models(&["x", "y"], 1, window),
        of_models(&["x", "z"], 2, window),
    ];
    let (_cluster, _admin, caller) = limited_by(limits).await;
    let mut others = JoinSet::new();
    for model in ["y", "z"] {
        for _ in 0..6 {
            others.spawn(hammer(caller.clone(), model));
        }
    }
    tokio::time::sleep(window).await;
    for _ in 0..2 {
        let began = Instant::now();
        caller.ask(waiting("p", "x")).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(40));
    }
}

#[tokio::test]
async fn who_waits_for_a_model_that_cools_down_holds_up_no_other_model() {
    let (_cluster, admin, caller) = limited_by(vec![requests(2, MINUTE)]).await;
    let of_model = |model: &str| LeaseKeyRequest {
        model: model.to_owned(),
        ..waiting("p", model)
    };
    let mut leases = Vec::new();
    for _ in 0..2 {
        leases.push(caller.ask(of_model("m1")).await.unwrap());
    }
    let first = stand(&admin, &caller, of_model("m1"), 1).await;
    let mut cools = http(429, &[("retry-after", "40")]);
    if let Some(Seen::Http(answer)) = &mut cools.result {
        answer.body = TOO_MANY_OF_A_MODEL.into();
    }
    caller.report(&leases[0], cools).await;
    caller.report(&leases[1], not_sent()).await;
    for _ in 0..3 {
        let began = Instant::now();
        let lease = caller.ask(of_model("m2")).await.unwrap();
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
        caller.report(&lease, not_sent()).await;
    }
    assert!(!first.is_finished());
    first.abort();
}

#[tokio::test]
async fn everybody_who_waits_for_a_limit_is_served_when_it_is_deleted() {
    let (_cluster, admin, caller) = limited_by(vec![requests(1, MINUTE)]).await;
    caller.lease("p").await;
    let mut asked = Vec::new();
    for in_line in 1..5 {
        asked.push(stand(&admin, &caller, waiting("p", ""), in_line).await);
    }
    let request = DeleteLimitRequest {
        name: "accounts/a/limits/l1".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().delete_limit(request).await.unwrap();
    let began = Instant::now();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

/// Nothing of the lower amount would be free for a minute.
#[tokio::test]
async fn everybody_who_waits_for_a_limit_is_served_when_it_is_raised() {
    let (_cluster, admin, caller) = limited_by(vec![requests(1, MINUTE)]).await;
    caller.lease("p").await;
    let mut asked = Vec::new();
    for in_line in 1..5 {
        asked.push(stand(&admin, &caller, waiting("p", ""), in_line).await);
    }
    let raised = requests(5, MINUTE);
    admin.update_limit("a", "l1", "amount", raised).await;
    let began = Instant::now();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_full_line_is_told_at_once_and_has_room_again_when_calls_go_away() {
    let (cluster, admin, caller) = limited_by(vec![requests(1, MINUTE)]).await;
    let lease = caller.lease("p").await;
    let token = admin.create_token("search").await.text;
    let mut asked = JoinSet::new();
    for _ in 0..10 {
        let caller = cluster.client(0, &token).await;
        for _ in 0..WAITING_MAX / 10 {
            let caller = caller.clone();
            asked.spawn(async move { caller.ask(waiting("p", "")).await });
        }
    }
    let full = async || admin.status("p").await.waiting == WAITING_MAX;
    eventually("the line is full", full).await;
    let began = Instant::now();
    let refused = caller.ask(waiting("p", "")).await.unwrap_err();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "told after {took:?}");
    let refused = Refusal::of(&refused).is(Code::ResourceExhausted, "QUEUE_FULL");
    assert!(refused.message.contains("wait"), "{}", refused.message);
    // Another pool of the account has a line of its own.
    let other = stand(&admin, &caller, waiting("q", ""), 1).await;
    asked.abort_all();
    let empty = async || admin.status("p").await.waiting == 0;
    eventually("all of them have left", empty).await;
    caller.report(&lease, not_sent()).await;
    other.await.unwrap().unwrap();
}
