//! What reports do to permits: what was not used goes back, and what was used beyond the estimate is charged.

use std::time::Duration;

use keylease::proto::{
    Estimate, HealthState, LeaseKeyRequest, Limit, Outcome, ReportOutcomeRequest,
};
use tonic::{Code, Request};

use crate::concurrency;
use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{http, not_sent, success, times, used};
use crate::harness::setup::{MINUTE, requests, span, tokens};

/// A cluster with the pool `p`, whose one account has this limit.
async fn limited_by(limit: Limit) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", limit).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

fn estimated(input: i64, output: i64) -> LeaseKeyRequest {
    LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens: input,
            output_tokens_max: output,
            cost_micros: 0,
        }),
        ..of("p")
    }
}

/// What the database has charged to the account's one limit.
async fn charged(admin: &Client) -> i64 {
    admin.status("p").await.limits[0].charged
}

#[tokio::test]
async fn uses_that_were_not_sent_give_their_permits_back() {
    let (_cluster, admin, caller) = limited_by(requests(100, MINUTE)).await;
    let batch = LeaseKeyRequest {
        requests: Some(10),
        ..of("p")
    };
    let lease = caller.ask(batch).await.unwrap();
    assert_eq!(lease.granted, 10);
    let parts = vec![times(4, success()), times(6, not_sent())];
    caller.tell(reporting(&lease, parts)).await.unwrap();
    // Once the block has ended and was returned.
    let settled = async || charged(&admin).await == 4;
    eventually("four are charged", settled).await;
}

#[tokio::test]
async fn silence_keeps_the_full_charge() {
    let (_cluster, admin, caller) = limited_by(tokens(10_000, MINUTE)).await;
    caller.ask(estimated(1_000, 500)).await.unwrap();
    let settled = async || charged(&admin).await == 1_500;
    eventually("the estimate is charged", settled).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(charged(&admin).await, 1_500);
}

#[tokio::test]
async fn tokens_are_settled_by_what_was_used() {
    let (_cluster, admin, caller) = limited_by(tokens(10_000, MINUTE)).await;
    let less = caller.ask(estimated(2_000, 2_000)).await.unwrap();
    caller.report(&less, used(300, 200)).await;
    let settled = async || charged(&admin).await == 500;
    eventually("less used is given back", settled).await;
    let more = caller.ask(estimated(500, 500)).await.unwrap();
    caller.report(&more, used(4_000, 2_000)).await;
    let settled = async || charged(&admin).await == 6_500;
    eventually("more used is charged", settled).await;
    // 3,500 are left.
    let refused = caller.refused(estimated(3_000, 501)).await;
    refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    let patient = LeaseKeyRequest {
        max_wait: Some(span(Duration::from_secs(20))),
        ..estimated(3_000, 500)
    };
    caller.ask(patient).await.unwrap();
}

#[tokio::test]
async fn usage_is_per_use_of_a_batch() {
    let (_cluster, admin, caller) = limited_by(tokens(100_000, MINUTE)).await;
    let batch = LeaseKeyRequest {
        requests: Some(4),
        ..estimated(500, 500)
    };
    let lease = caller.ask(batch).await.unwrap();
    assert_eq!(lease.granted, 4);
    let parts = vec![times(3, used(100, 50)), times(1, used(900, 600))];
    caller.tell(reporting(&lease, parts)).await.unwrap();
    let settled = async || charged(&admin).await == 3 * 150 + 1_500;
    eventually("each use is settled", settled).await;
}

#[tokio::test]
async fn a_report_whose_verdict_could_not_be_committed_is_settled_all_the_same() {
    let (cluster, admin, caller) = limited_by(tokens(10_000, MINUTE)).await;
    let lease = caller.ask(estimated(1_000, 0)).await.unwrap();
    let died = Outcome {
        usage: used(3_000, 0).usage,
        ..http(401, &[])
    };
    // Nobody can commit a verdict while the row of revisions is locked.
    let mut locked = cluster.database.pool.begin().await.unwrap();
    let lock = sqlx::query("select rev from cluster for update");
    lock.execute(&mut *locked).await.unwrap();
    let mut hasty = Request::new(reporting(&lease, vec![died.clone()]));
    hasty.set_timeout(Duration::from_millis(500));
    assert!(caller.leases.clone().report_outcome(hasty).await.is_err());
    locked.rollback().await.unwrap();
    let again = caller.tell(reporting(&lease, vec![died])).await.unwrap();
    assert!(again.duplicate);
    let state = again.verdicts[0].health.clone().unwrap().state();
    assert_eq!(state, HealthState::Dead);
    let settled = async || charged(&admin).await == 3_000;
    eventually("what was used is charged", settled).await;
}

#[tokio::test]
async fn a_part_that_was_answered_elsewhere_just_before_the_last_report_counts() {
    let (cluster, callers) = concurrency::limited_by(tokens(100_000, MINUTE), 2).await;
    let admin = cluster.admin().await;
    let batch = LeaseKeyRequest {
        requests: Some(2),
        ..estimated(50, 50)
    };
    // Demand is known by then, and there is a block for more than one.
    callers[0].lease("p").await;
    for _ in 0..5 {
        let lease = callers[0].ask(batch.clone()).await.unwrap();
        assert_eq!(lease.granted, 2);
        for (caller, sequence, tokens) in [(1, 0, 4_000), (0, 1, 10)] {
            let part = ReportOutcomeRequest {
                sequence,
                r#final: sequence == 1,
                ..reporting(&lease, vec![used(tokens, 0)])
            };
            let answer = callers[caller].tell(part).await.unwrap();
            assert!(!answer.duplicate && !answer.exhausted);
        }
    }
    let settled = async || charged(&admin).await >= 5 * 4_010;
    eventually("all that was used is charged", settled).await;
}
