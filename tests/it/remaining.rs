//! What providers say is left of a budget: as much is leased until the reset and no more, before the provider refuses anything.

use std::time::Duration;

use keylease::proto::{self, LeaseKeyRequest, LeaseKeyResponse, RefusalReason};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually_some};
use crate::harness::judged::{brief, judged_by};
use crate::harness::outcomes::{http, not_sent, success};
use crate::harness::stating::carrying;

/// A use for this model.
fn named(model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        ..of("p")
    }
}

/// Requests of a model that are left, as OpenAI says it.
fn requests_left(remaining: &str, reset: &str) -> proto::Outcome {
    carrying(&[
        ("x-ratelimit-remaining-requests", remaining),
        ("x-ratelimit-reset-requests", reset),
    ])
}

async fn leases(caller: &Client, call: &LeaseKeyRequest, count: usize) -> Vec<LeaseKeyResponse> {
    let mut leases = Vec::new();
    for _ in 0..count {
        leases.push(caller.ask(call.clone()).await.unwrap());
    }
    leases
}

/// Refused until a reset that is in so many seconds, or a few less.
async fn rests(caller: &Client, call: &LeaseKeyRequest, seconds: u64) {
    let refused = caller.refused(call.clone()).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    let retry = refused.retry.unwrap();
    // The clock that the reset was made by may be a little ahead.
    let range = Duration::from_secs(seconds - 20)..=Duration::from_secs(seconds + 1);
    assert!(range.contains(&retry), "{retry:?}");
}

#[tokio::test]
async fn three_left_are_three_more_leases_and_then_a_refusal_until_the_reset() {
    let (_cluster, admin, caller) = Cluster::serving(&["a"], "*").await;
    let call = named("gpt-5");
    let first = leases(&caller, &call, 2).await;
    caller.report(&first[0], requests_left("3", "40s")).await;
    leases(&caller, &call, 3).await;
    rests(&caller, &call, 40).await;
    let (reasons, sentence) = caller.told(&call).await;
    assert_eq!(reasons, [RefusalReason::Cooling, RefusalReason::Cooling]);
    let why = "3 requests left, by its headers, and 3 leased since";
    assert!(sentence.contains(why), "{sentence}");
    // It is of that model alone, and of this replica: nobody else is told.
    leases(&caller, &named("gpt-4o"), 5).await;
    assert!(admin.status("p").await.keys[0].account_cooldown.is_none());
    // Of a lease that was given before, nobody knows whether its answer is the later one.
    caller.report(&first[1], requests_left("400", "39s")).await;
    rests(&caller, &call, 40).await;
}

#[tokio::test]
async fn a_later_answer_that_says_more_lifts_it() {
    let (_cluster, _admin, caller) = Cluster::serving(&["a"], "p").await;
    let call = named("gpt-5");
    let first = leases(&caller, &call, 1).await;
    caller.report(&first[0], requests_left("3", "40s")).await;
    let counted = leases(&caller, &call, 3).await;
    rests(&caller, &call, 40).await;
    // Of those that are left the other two, which are under way, may have taken none yet.
    caller.report(&counted[0], requests_left("9", "40s")).await;
    leases(&caller, &call, 7).await;
    rests(&caller, &call, 40).await;
}

#[tokio::test]
async fn an_answer_of_an_older_window_changes_nothing() {
    let (_cluster, _admin, caller) = Cluster::serving(&["a"], "p").await;
    let call = named("gpt-5");
    let first = leases(&caller, &call, 2).await;
    caller.report(&first[0], requests_left("5", "50s")).await;
    caller.report(&first[1], requests_left("1", "20s")).await;
    leases(&caller, &call, 5).await;
    rests(&caller, &call, 50).await;
}

#[tokio::test]
async fn what_was_not_sent_is_left_again() {
    let (_cluster, _admin, caller) = Cluster::serving(&["a"], "p").await;
    let call = named("gpt-5");
    let first = leases(&caller, &call, 1).await;
    caller.report(&first[0], requests_left("2", "40s")).await;
    let many = LeaseKeyRequest {
        requests: Some(9),
        ..call.clone()
    };
    let batch = caller.ask(many).await.unwrap();
    assert_eq!(batch.granted, 2);
    rests(&caller, &call, 40).await;
    let outcomes = vec![success(), not_sent()];
    caller.tell(reporting(&batch, outcomes)).await.unwrap();
    leases(&caller, &call, 1).await;
    rests(&caller, &call, 40).await;
}

#[tokio::test]
async fn tokens_are_counted_by_what_a_use_is_estimated_to_need() {
    let (_cluster, _admin, caller) = Cluster::serving(&["a"], "*").await;
    let call = LeaseKeyRequest {
        estimate: Some(proto::Estimate {
            input_tokens: 200,
            output_tokens_max: 100,
            ..Default::default()
        }),
        ..named("gpt-5")
    };
    let first = leases(&caller, &call, 1).await;
    let left = carrying(&[
        ("x-ratelimit-remaining-tokens", "1000"),
        ("x-ratelimit-reset-tokens", "40s"),
    ]);
    caller.report(&first[0], left).await;
    leases(&caller, &call, 3).await;
    // What is explained is what happens, before it has.
    let (reasons, _) = caller.told(&call).await;
    assert_eq!(reasons, [RefusalReason::Cooling, RefusalReason::Cooling]);
    rests(&caller, &call, 40).await;
}

#[tokio::test]
async fn resets_of_anthropic_are_times_of_day() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    let request = proto::CreateAccountRequest {
        account_id: "a".to_owned(),
        account: Some(proto::Account {
            provider_profile: "anthropic".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    admin.admin.clone().create_account(request).await.unwrap();
    admin.create_key("a", "k", "sk-ant-a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let call = named("claude-opus");
    let first = leases(&caller, &call, 1).await;
    let reset = std::time::SystemTime::now() + Duration::from_secs(50);
    let reset = prost_types::Timestamp::from(reset).to_string();
    let left = carrying(&[
        ("anthropic-ratelimit-requests-remaining", "2"),
        ("anthropic-ratelimit-requests-reset", &reset),
    ]);
    caller.report(&first[0], left).await;
    leases(&caller, &call, 2).await;
    rests(&caller, &call, 50).await;
}

/// A caller whose word on budgets was found wrong twice, and one whose was not.
async fn one_of_them_doubted() -> (Cluster, [Client; 2]) {
    let (cluster, admin, liar) = judged_by(brief()).await;
    let token = admin.create_lessee("other", "p").await;
    let honest = cluster.client(0, &token).await;
    for _ in 0..2 {
        let lease = liar.lease("p").await;
        liar.report(&lease, http(402, &[("retry-after", "2592000")]))
            .await;
        let asked = async || honest.ask(of("p")).await.ok();
        let trial = eventually_some("a lease finds out", asked).await;
        honest.report(&trial, success()).await;
    }
    (cluster, [liar, honest])
}

#[tokio::test]
async fn what_a_doubted_caller_says_is_left_binds_that_one_alone() {
    let (_cluster, [liar, honest]) = one_of_them_doubted().await;
    let call = named("gpt-5");
    let first = leases(&liar, &call, 1).await;
    liar.report(&first[0], requests_left("1", "40s")).await;
    leases(&honest, &call, 5).await;
    rests(&liar, &call, 40).await;
    leases(&honest, &call, 5).await;
}

/// What is left is counted here: where there is more, it is no lie of whoever said what was left.
#[tokio::test]
async fn nobody_is_doubted_for_what_was_counted_down_too_far() {
    let (cluster, admin, teller) = judged_by(brief()).await;
    let token = admin.create_lessee("other", "p").await;
    let other = cluster.client(0, &token).await;
    let call = named("gpt-5");
    for _ in 0..2 {
        let first = leases(&teller, &call, 1).await;
        teller.report(&first[0], requests_left("1", "20h")).await;
        // It is leased, and never used.
        leases(&other, &call, 1).await;
        let asked = async || other.ask(call.clone()).await.ok();
        let trial = eventually_some("a lease finds out", asked).await;
        other.report(&trial, success()).await;
    }
    let lease = teller.ask(call.clone()).await.unwrap();
    let month = http(402, &[("retry-after", "2592000")]);
    teller.report(&lease, month).await;
    let refused = other.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
}

/// That one is left until tomorrow shuts nobody out for longer than that none is: a single lease finds out.
#[tokio::test]
async fn a_lie_of_what_is_left_is_tried_as_one_of_none_is() {
    let (cluster, admin, liar) = judged_by(brief()).await;
    let token = admin.create_lessee("other", "p").await;
    let honest = cluster.client(0, &token).await;
    let call = named("gpt-5");
    for _ in 0..2 {
        let first = leases(&liar, &call, 1).await;
        liar.report(&first[0], requests_left("1", "20h")).await;
        leases(&honest, &call, 1).await;
        let refused = honest.refused(call.clone()).await;
        refused.is(Code::ResourceExhausted, "KEYS_COOLING");
        let asked = async || honest.ask(call.clone()).await.ok();
        let trial = eventually_some("a lease finds out", asked).await;
        honest
            .refused(call.clone())
            .await
            .is(Code::ResourceExhausted, "KEYS_COOLING");
        honest.report(&trial, success()).await;
        leases(&honest, &call, 3).await;
    }
    // Now its word is its own.
    let first = leases(&liar, &call, 1).await;
    liar.report(&first[0], requests_left("1", "20h")).await;
    leases(&honest, &call, 5).await;
}
