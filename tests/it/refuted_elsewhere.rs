//! A lease of one replica finds that what one caller alone said is not so: what another replica has heard by itself stands there.

use keylease::proto::outcome::Result as Seen;
use keylease::proto::{LeaseKeyRequest, Outcome};
use tonic::Code;

use crate::alleged_budgets::MONTH;
use crate::harness::client::{Client, of};
use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::judged::brief;
use crate::harness::outcomes::{http, success};
use crate::harness::stating::carrying;
use crate::verdict_policy::of_two_callers;

const OF_A_MODEL: &str = r#"{"error": {"code": "rate_limit_exceeded", "type": "requests",
    "message": "Rate limit reached for m1 in organization org-1 on requests per min. Limit: 3, Used: 3."}}"#;

fn named(model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        ..of("p")
    }
}

/// The model of the lease is spent for a month.
fn spent() -> Outcome {
    let mut outcome = http(429, &[("retry-after", MONTH)]);
    if let Some(Seen::Http(answer)) = &mut outcome.result {
        answer.body = OF_A_MODEL.into();
    }
    outcome
}

async fn rests(caller: &Client, model: &str) {
    let refused = caller.refused(named(model)).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
}

#[tokio::test]
async fn what_is_counted_down_here_goes_on_when_a_lie_of_another_model_is_found_out_elsewhere() {
    let (cluster, _admin, [here, elsewhere]) = of_two_callers(brief()).await;
    let first = here.ask(named("gpt-5")).await.unwrap();
    let left = carrying(&[
        ("x-ratelimit-remaining-requests", "1"),
        ("x-ratelimit-reset-requests", "50s"),
    ]);
    let lie = here.ask(named("m1")).await.unwrap();
    here.report(&first, left).await;
    here.ask(named("gpt-5")).await.unwrap();
    rests(&here, "gpt-5").await;
    here.report(&lie, spent()).await;
    rests(&here, "m1").await;
    cluster.settled().await;
    let asked = async || elsewhere.ask(named("m1")).await.ok();
    let trial = eventually_some("a lease finds out", asked).await;
    elsewhere.report(&trial, success()).await;
    let is_back = async || here.ask(named("m1")).await.is_ok();
    eventually("it is known here", is_back).await;
    rests(&here, "gpt-5").await;
    // What is left is said here, and counted nowhere else.
    elsewhere.ask(named("gpt-5")).await.unwrap();
}
