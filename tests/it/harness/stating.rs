//! Answers whose headers state limits, as callers report them, and what the vault makes of them.

use keylease::proto::outcome::Result as Seen;
use keylease::proto::{self, HttpHeader, LearnedLimit, LeaseKeyRequest, Outcome, Success};

use super::client::{Client, of};

/// A success that carries these headers.
pub(crate) fn carrying(headers: &[(&str, &str)]) -> Outcome {
    let headers = headers.iter().map(|(name, value)| HttpHeader {
        name: (*name).to_owned(),
        value: value.as_bytes().to_vec(),
    });
    Outcome {
        result: Some(Seen::Success(Success {
            headers: headers.collect(),
        })),
        ..Default::default()
    }
}

/// The first success of a minute that has so many requests, of which each comes back after its part of it.
pub(crate) fn stating(limit: i64) -> Outcome {
    let reset = format!("{}ms", 60_000 / limit);
    let (limit, remaining) = (limit.to_string(), (limit - 1).to_string());
    carrying(&[
        ("x-ratelimit-limit-requests", &limit),
        ("x-ratelimit-remaining-requests", &remaining),
        ("x-ratelimit-reset-requests", &reset),
    ])
}

/// A use for a model, waited for as long as the first reserve of a limit takes on a busy machine.
fn for_model(model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        max_wait: Some(prost_types::Duration {
            seconds: 20,
            nanos: 0,
        }),
        ..of("p")
    }
}

/// One use, after which something is stated.
pub(crate) async fn hear(caller: &Client, model: &str, outcome: Outcome) {
    let lease = caller.ask(for_model(model)).await.unwrap();
    caller.report(&lease, outcome).await;
}

/// What is known of the account `a`.
pub(crate) async fn learned(admin: &Client) -> Vec<LearnedLimit> {
    let request = proto::ListLearnedLimitsRequest {
        parent: "accounts/a".to_owned(),
    };
    let answer = admin.admin.clone().list_learned_limits(request).await;
    answer.unwrap().into_inner().learned_limits
}

/// How many units a limit of the account `a` has.
pub(crate) async fn amount_of(admin: &Client, limit: &str) -> i64 {
    let request = proto::GetLimitRequest {
        name: format!("accounts/a/limits/{limit}"),
    };
    let answer = admin.admin.clone().get_limit(request).await.unwrap();
    answer.into_inner().limit.unwrap().amount
}
