//! LeaseKey on the wire.

use std::time::Duration;

use crate::domain::field::{FieldErrors, Parsed, bounded, text};
use crate::domain::limit::AMOUNT_MAX;
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::name::{AccountName, PoolName};
use crate::domain::outcome::REQUESTS_MAX;
use crate::domain::pool::{Estimate, LEASE_DURATION_MAX, LEASE_DURATION_MIN};
use crate::domain::refusal::LeaseRefusal;
use crate::domain::tags::Tags;
use crate::domain::time::BootTime;
use crate::metric_names;
use crate::proto;
use crate::service::convert::parse_duration;
use crate::service::reasons;
use crate::service::status::name_of;
use crate::vault::{Error, LeaseKey};

/// The longest that a call may stand in line.
const MAX_WAIT_MAX: Duration = Duration::from_mins(1);
const AFFINITY_BYTES_MAX: usize = 256;
const RETRY_TOKEN_BYTES_MAX: usize = 1_024;
const REQUEST_ID_BYTES_MAX: usize = 128;
/// The most tokens that one use can be expected to consume.
const TOKENS_MAX: i64 = 1_000_000_000;

/// Parses a request.
pub(super) fn parse(
    request: proto::LeaseKeyRequest,
    received: BootTime,
    deadline: Option<BootTime>,
) -> Result<LeaseKey, Error> {
    let mut errors = FieldErrors::default();
    let requests = request.requests.unwrap_or(1);
    let requests = bounded("requests", i64::from(requests), 1, i64::from(REQUESTS_MAX));
    let pool = errors.take(PoolName::parse("pool", &request.pool));
    let model = errors.take(text("model", request.model, MODEL_BYTES_MAX));
    let requests = errors.take(requests);
    let estimate = errors.take(request.estimate.as_ref().map(estimate).transpose());
    let max_wait = errors.take(optional(
        "max_wait",
        request.max_wait.as_ref(),
        Duration::ZERO,
        MAX_WAIT_MAX,
    ));
    let lease_duration = errors.take(optional(
        "lease_duration",
        request.lease_duration.as_ref(),
        LEASE_DURATION_MIN,
        LEASE_DURATION_MAX,
    ));
    let affinity_key = errors.take(text(
        "affinity_key",
        request.affinity_key,
        AFFINITY_BYTES_MAX,
    ));
    let account = (!request.account.is_empty())
        .then(|| AccountName::parse("account", &request.account))
        .transpose();
    let account = errors.take(account);
    let retry_token = errors.take(text(
        "retry_token",
        request.retry_token,
        RETRY_TOKEN_BYTES_MAX,
    ));
    let request_id = errors.take(text("request_id", request.request_id, REQUEST_ID_BYTES_MAX));
    let tags = errors.take(Tags::parse("tags", request.tags));
    let whole = || {
        Some(LeaseKey {
            pool: pool?.0,
            model: some_text(model?),
            requests: u32::try_from(requests?).ok()?,
            estimate: estimate?,
            max_wait: max_wait?.unwrap_or_default(),
            lease_duration: lease_duration?,
            affinity_key: some_text(affinity_key?),
            account: account?.map(|name| name.0),
            retry_token: some_text(retry_token?),
            request_id: some_text(request_id?),
            tags: tags?,
            received,
            deadline,
        })
    };
    Ok(errors.ready(whole())?)
}

/// What one use is expected to consume.
pub(in crate::service) fn estimate(message: &proto::Estimate) -> Parsed<Estimate> {
    let tokens = |field, value: i64| -> Parsed<u64> {
        Ok(bounded(field, value, 0, TOKENS_MAX)?.unsigned_abs())
    };
    let max = AMOUNT_MAX.cast_signed();
    let cost = bounded("estimate.cost_micros", message.cost_micros, 0, max)?;
    Ok(Estimate {
        input_tokens: tokens("estimate.input_tokens", message.input_tokens)?,
        output_tokens: tokens("estimate.output_tokens_max", message.output_tokens_max)?,
        cost_micros: (cost > 0).then_some(cost.unsigned_abs()),
    })
}

fn optional(
    field: &str,
    message: Option<&prost_types::Duration>,
    min: Duration,
    max: Duration,
) -> Parsed<Option<Duration>> {
    message
        .map(|d| parse_duration(field, d, min, max))
        .transpose()
}

fn some_text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Counts a refusal, and tells it to a log that wants to know. A pool that a caller made up must not become a label.
pub(super) fn count(call: &LeaseKey, refusal: &LeaseRefusal) {
    let told = reasons::of_lease(refusal).1.as_str_name();
    tracing::debug!(
        pool = call.pool.as_str(),
        reason = told,
        "a lease is refused"
    );
    if *refusal != LeaseRefusal::PoolDenied {
        let pool = call.pool.as_str().to_owned();
        let reason = name_of(reasons::of_lease(refusal).1);
        metrics::counter!(metric_names::LEASE_REFUSALS, "pool" => pool, "reason" => reason)
            .increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Refusal;

    fn parsed(request: proto::LeaseKeyRequest) -> Result<LeaseKey, Error> {
        parse(request, BootTime::default(), None)
    }

    fn request() -> proto::LeaseKeyRequest {
        proto::LeaseKeyRequest {
            pool: "pools/openai".to_owned(),
            ..Default::default()
        }
    }

    fn fields(request: proto::LeaseKeyRequest) -> Vec<String> {
        match parsed(request) {
            Err(Error::Refused(Refusal::Fields(fields))) => {
                fields.into_iter().map(|f| f.field).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unset_requests_are_one_and_zero_is_refused() {
        assert_eq!(parsed(request()).unwrap().requests, 1);
        for requests in [0, -1, 1_001, i32::MAX] {
            let request = proto::LeaseKeyRequest {
                requests: Some(requests),
                ..request()
            };
            assert_eq!(fields(request), ["requests"]);
        }
    }

    #[test]
    fn all_field_errors_are_named_at_once() {
        let request = proto::LeaseKeyRequest {
            pool: "openai".to_owned(),
            model: "m".repeat(257),
            affinity_key: "a\u{0}".to_owned(),
            account: "accounts/".to_owned(),
            max_wait: Some(prost_types::Duration {
                seconds: 61,
                nanos: 0,
            }),
            estimate: Some(proto::Estimate {
                input_tokens: -1,
                ..Default::default()
            }),
            ..Default::default()
        };
        let named = fields(request);
        for field in [
            "pool",
            "model",
            "estimate.input_tokens",
            "max_wait",
            "affinity_key",
            "account",
        ] {
            assert!(named.iter().any(|n| n == field), "{field} of {named:?}");
        }
    }
}
