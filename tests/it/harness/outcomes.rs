//! Outcomes as callers report them.

use keylease::proto::outcome::Result as Seen;
use keylease::proto::{HttpHeader, HttpResult, NotSent, Outcome, Success, TransportFailure, Usage};
use keylease::proto::{TransportFailureKind, Verdict};

/// The provider did what was asked.
pub(crate) fn success() -> Outcome {
    of(Seen::Success(Success::default()))
}

/// Success, with so many tokens of input and output used.
pub(crate) fn used(input: i64, output: i64) -> Outcome {
    Outcome {
        usage: Some(Usage {
            input_tokens: input,
            output_tokens: output,
            ..Default::default()
        }),
        ..success()
    }
}

/// The provider answered with this status and these headers.
pub(crate) fn http(status: i32, headers: &[(&str, &str)]) -> Outcome {
    let headers = headers.iter().map(|(name, value)| HttpHeader {
        name: (*name).to_owned(),
        value: value.as_bytes().to_vec(),
    });
    of(Seen::Http(HttpResult {
        status,
        headers: headers.collect(),
        body: vec![],
    }))
}

/// The same with a body.
pub(crate) fn answered(status: i32, headers: &[(&str, &str)], body: &str) -> Outcome {
    let mut outcome = http(status, headers);
    if let Some(Seen::Http(HttpResult { body: bytes, .. })) = &mut outcome.result {
        *bytes = body.as_bytes().to_vec();
    }
    outcome
}

/// No answer came.
pub(crate) fn transport(kind: TransportFailureKind) -> Outcome {
    of(Seen::Transport(TransportFailure {
        kind: kind.into(),
        detail: String::new(),
    }))
}

/// The request was never started.
pub(crate) fn not_sent() -> Outcome {
    of(Seen::NotSent(NotSent {}))
}

/// The same for so many uses.
pub(crate) fn times(count: i32, outcome: Outcome) -> Outcome {
    Outcome {
        count: Some(count),
        ..outcome
    }
}

/// The retry token of a verdict, which must have one.
pub(crate) fn retry_token(verdict: &Verdict) -> String {
    let token = verdict.advice.as_ref().unwrap().retry_token.clone();
    assert!(!token.is_empty());
    token
}

fn of(result: Seen) -> Outcome {
    Outcome {
        result: Some(result),
        ..Default::default()
    }
}
