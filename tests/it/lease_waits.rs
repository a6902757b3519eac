//! `max_wait`: a line in order of arrival, woken by permits that come back, left by callers that go away.

use std::time::{Duration, Instant};

use keylease::proto::{Estimate, LeaseKeyRequest, LeaseKeyResponse, Pool};
use tokio::task::JoinHandle;
use tonic::{Code, Request, Status};

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::not_sent;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, member, requests, span, tokens};

/// A cluster with the pool `p`, whose one account may make `amount` requests a minute.
async fn limited_to(amount: i64) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(amount, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

fn waiting(max_wait: Duration) -> LeaseKeyRequest {
    LeaseKeyRequest {
        max_wait: Some(span(max_wait)),
        ..of("p")
    }
}

type Asked = JoinHandle<Result<LeaseKeyResponse, Status>>;

/// Asks for a lease beside the test, and comes back when `in_line` calls wait.
async fn stand(admin: &Client, caller: &Client, in_line: i32) -> Asked {
    let caller = caller.clone();
    let asked = tokio::spawn(async move { caller.ask(waiting(Duration::from_secs(50))).await });
    let stands = async || admin.status("p").await.waiting == in_line;
    eventually("the call waits", stands).await;
    asked
}

#[tokio::test]
async fn a_returned_permit_goes_to_whoever_came_first() {
    let (_cluster, admin, caller) = limited_to(1).await;
    let mut lease = caller.lease("p").await;
    let first = stand(&admin, &caller, 1).await;
    let second = stand(&admin, &caller, 2).await;
    let third = stand(&admin, &caller, 3).await;
    // Each gets it long before the charge would have ended by itself, which is after a minute.
    for (asked, behind) in [(first, 2), (second, 1), (third, 0)] {
        caller.report(&lease, not_sent()).await;
        let began = Instant::now();
        lease = asked.await.unwrap().unwrap();
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            began.elapsed()
        );
        let left = async || admin.status("p").await.waiting == behind;
        eventually("the others still wait", left).await;
    }
}

#[tokio::test]
async fn a_permit_that_comes_back_after_its_block_ended_wakes_too() {
    let (_cluster, admin, caller) = limited_to(1).await;
    let lease = caller.lease("p").await;
    let asked = stand(&admin, &caller, 1).await;
    // The block may be handed out from for a second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    caller.report(&lease, not_sent()).await;
    let began = Instant::now();
    asked.await.unwrap().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_wait_ends_when_it_was_to_end() {
    let (_cluster, _admin, caller) = limited_to(1).await;
    caller.lease("p").await;
    let began = Instant::now();
    let refused = caller.refused(waiting(Duration::from_millis(400))).await;
    assert!(began.elapsed() >= Duration::from_millis(400));
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    assert!(
        refused.retry.unwrap() > Duration::from_secs(20),
        "{refused:?}"
    );
}

/// As when another replica stops in the middle of a transaction: the rows are waited for one after the other, for longer than a call is.
#[tokio::test]
async fn while_somebody_else_holds_the_rows_of_limits_nothing_is_said_to_be_free_at_once() {
    let (cluster, admin, caller) = limited_to(1).await;
    for amount in 2..5 {
        admin.create_limit("a", requests(amount, MINUTE)).await;
    }
    cluster.settled().await;
    let mut other = cluster.database.pool.begin().await.unwrap();
    let rows = sqlx::query("select from limit_ledgers for update");
    let locked = rows.fetch_all(&mut *other).await.unwrap();
    assert_eq!(locked.len(), 4);
    // No limit's answer is the whole one, and some row is asked for at all times.
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::Unavailable, "DATABASE_UNREACHABLE");
    assert!(
        refused.retry.unwrap() >= Duration::from_millis(50),
        "{refused:?}"
    );
    assert_eq!(refused.quotas.len(), 4);
    for (limit, why) in &refused.quotas {
        assert!(!why.ends_with("free in 1ms"), "{limit} {why}");
    }
    other.rollback().await.unwrap();
    caller.lease("p").await;
}

#[tokio::test]
async fn the_deadline_of_a_call_is_answered_before_it_passes() {
    let (_cluster, admin, caller) = limited_to(1).await;
    caller.lease("p").await;
    // The client gives up by itself a moment later: on a busy machine now and then before the answer is here.
    let mut answered = None;
    for _ in 0..20 {
        let mut request = Request::new(waiting(Duration::from_secs(50)));
        request.set_timeout(Duration::from_millis(500));
        let began = Instant::now();
        let status = caller.ask(request).await.unwrap_err();
        assert!(began.elapsed() >= Duration::from_millis(400));
        if !status.details().is_empty() {
            answered = Some(Refusal::of(&status));
            break;
        }
    }
    answered.unwrap().is(Code::DeadlineExceeded, "DEADLINE");
    let left = async || admin.status("p").await.waiting == 0;
    eventually("nobody waits", left).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_line_to_those_behind_it() {
    let (_cluster, admin, caller) = limited_to(1).await;
    let lease = caller.lease("p").await;
    let first = stand(&admin, &caller, 1).await;
    let second = stand(&admin, &caller, 2).await;
    first.abort();
    let left = async || admin.status("p").await.waiting == 1;
    eventually("the first has left", left).await;
    caller.report(&lease, not_sent()).await;
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_will_not_come_in_time_is_not_waited_for() {
    let (_cluster, admin, caller) = limited_to(5).await;
    admin.disable_key("accounts/a/keys/k").await;
    let began = Instant::now();
    let refused = caller.refused(waiting(Duration::from_secs(50))).await;
    refused.is(Code::FailedPrecondition, "POOL_DISABLED");
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_call_that_another_account_served_holds_up_nobody() {
    let window = Duration::from_secs(4);
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    for account in ["a", "b", "unlimited"] {
        admin.create_account_and_key(account).await;
    }
    for account in ["a", "b"] {
        admin.create_limit(account, requests(1, window)).await;
    }
    let members = [("a", 1), ("b", 2), ("unlimited", 2)];
    let members = members.map(|(account, tier)| member(account, tier, 1));
    let pool = Pool {
        members: members.to_vec(),
        ..Pool::default()
    };
    admin.create_pool_of("p", pool).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let of_account = |account: &str| LeaseKeyRequest {
        account: format!("accounts/{account}"),
        ..of("p")
    };
    let elsewhere = cluster.client(0, &token).await;
    for account in ["a", "b"] {
        elsewhere.ask(of_account(account)).await.unwrap();
    }
    // Here the call waits until the database says no of the first; then the next is tried, in vain, and the third serves.
    let caller = cluster.client(1, &token).await;
    assert_eq!(caller.lease("p").await.account, "accounts/unlimited");
    tokio::time::sleep(window + Duration::from_secs(3)).await;
    for account in ["a", "b"] {
        caller.ask(of_account(account)).await.unwrap();
    }
}

#[tokio::test]
async fn a_need_that_cannot_be_met_in_time_starves_nobody() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let day = Duration::from_hours(24);
    admin.create_limit("a", tokens(1_000_000, day)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let needing = |input_tokens: i64, max_wait: Duration| LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens,
            ..Estimate::default()
        }),
        ..waiting(max_wait)
    };
    let small = needing(10, Duration::from_secs(10));
    caller.ask(small.clone()).await.unwrap();
    let large = needing(1_000_000, Duration::from_secs(50));
    let asked = tokio::spawn({
        let caller = caller.clone();
        async move { caller.ask(large).await }
    });
    let stands = async || admin.status("p").await.waiting == 1;
    eventually("the call waits", stands).await;
    for _ in 0..20 {
        caller.ask(small.clone()).await.unwrap();
    }
    assert_eq!(admin.status("p").await.waiting, 1);
    asked.abort();
}
