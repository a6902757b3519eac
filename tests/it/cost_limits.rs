//! Limits on cost, where nobody says what a use costs: it is priced, or refused.

use std::time::Duration;

use keylease::proto::{self, Limit, LimitDimension};
use tonic::Code;

use crate::harness::client::{Client, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::success;
use crate::harness::setup::{MINUTE, requests, span};
use crate::harness::spending::{asking, by, spending, told, using};

fn dollars(amount: i64) -> Limit {
    Limit {
        dimension: LimitDimension::CostMicros.into(),
        ..requests(amount * 1_000_000, MINUTE)
    }
}

/// A request for one use of a model that is expected to take a million input tokens; it waits for permits.
fn a_million_tokens(model: &str) -> proto::LeaseKeyRequest {
    proto::LeaseKeyRequest {
        estimate: Some(proto::Estimate {
            input_tokens: 1_000_000,
            ..Default::default()
        }),
        max_wait: Some(span(Duration::from_secs(5))),
        ..asking(model, "x", 1)
    }
}

/// As [`spending`], with a limit on cost.
async fn limited_to(limit: Limit, replicas: usize) -> (Cluster, Client, String) {
    let (cluster, admin, token) = spending(replicas).await;
    admin.create_limit("a", limit).await;
    cluster.settled().await;
    (cluster, admin, token)
}

/// What is left of the limit, over all replicas.
async fn remaining(admin: &Client) -> i64 {
    admin.status("p").await.limits[0].remaining
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_charged_by_price_and_settled_by_what_was_used() {
    let (cluster, admin, token) = limited_to(dollars(6), 1).await;
    let caller = cluster.client(0, &token).await;
    // Two dollars and a half each: two fit into six, and a third does not.
    let first = caller.ask(a_million_tokens("gpt-4o")).await.unwrap();
    let second = caller
        .ask(a_million_tokens("gpt-4o-2024-08-06"))
        .await
        .unwrap();
    let third = proto::LeaseKeyRequest {
        max_wait: None,
        ..a_million_tokens("gpt-4o")
    };
    let refused = caller.refused(third.clone()).await;
    refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    // Most of the first was read from the cache, and a report without a cost keeps the estimate of the second.
    let report = reporting(&first, vec![using(1_000_000, 1_000_000, 0)]);
    caller.tell(report).await.unwrap();
    caller
        .tell(reporting(&second, vec![success()]))
        .await
        .unwrap();
    let is_given_back = async || remaining(&admin).await == 2_250_000;
    eventually("half of the first has come back", is_given_back).await;
    let rows = admin.cost(by(&["pool"])).await;
    assert_eq!(told(&rows[0]), (vec!["pools/p"], 1_250_000, 2, 1));
    let larger = caller.refused(a_million_tokens("gpt-5.5-pro")).await;
    larger.is(Code::FailedPrecondition, "LARGER_THAN_LIMIT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_price_is_refused_by_name_until_it_has_one() {
    let (cluster, admin, token) = limited_to(dollars(6), 2).await;
    let caller = cluster.client(1, &token).await;
    let refused = caller.refused(a_million_tokens("house-model")).await;
    let refused = refused.is(Code::FailedPrecondition, "COST_REQUIRED");
    for named in [
        "house-model",
        "profile openai",
        "SetPrice",
        "estimate.cost_micros",
    ] {
        assert!(refused.message.contains(named), "{}", refused.message);
    }
    let unnamed = caller.refused(a_million_tokens("")).await;
    let unnamed = unnamed.is(Code::FailedPrecondition, "COST_REQUIRED");
    assert!(
        unnamed.message.contains("none is named"),
        "{}",
        unnamed.message
    );
    let mut stated = a_million_tokens("house-model");
    stated.estimate.as_mut().unwrap().cost_micros = 1;
    caller.ask(stated).await.unwrap();
    let request = proto::SetPriceRequest {
        price: Some(proto::Price {
            profile: "openai".to_owned(),
            model: "house-*".to_owned(),
            input_micros: 4_000_000,
            output_micros: 0,
            ..Default::default()
        }),
        ..Default::default()
    };
    admin.admin.clone().set_price(request).await.unwrap();
    cluster.settled().await;
    caller.ask(a_million_tokens("house-model")).await.unwrap();
    // The millionth that was said first may be free again on a slow machine.
    let is_charged = async || (1_999_999..=2_000_000).contains(&remaining(&admin).await);
    eventually("four dollars are charged", is_charged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_together_spend_no_more_than_the_limit_also_after_one_has_ended() {
    let (mut cluster, _, token) = limited_to(dollars(10), 2).await;
    let mut leases = 0;
    for round in 0..2 {
        for replica in 0..cluster.replicas.len() - round {
            let caller = cluster.client(replica + round, &token).await;
            while caller.ask(a_million_tokens("gpt-4o")).await.is_ok() {
                leases += 1;
            }
        }
        if round == 0 {
            cluster.replicas[0].end("-TERM").await;
        }
    }
    assert_eq!(leases, 4, "of two dollars and a half each");
}
