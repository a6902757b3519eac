//! ReportOutcome on the wire. What is understood is acted on, and the rest is named: a 401 is never lost to a field that is not built.

use std::time::Duration;

use super::{lease_id, usage};
use crate::domain::classify::{
    Advice, Blame, HEADER_NAME_BYTES_MAX, HEADER_VALUE_BYTES_MAX, kept_of_body, kept_of_headers,
};
use crate::domain::field::{FieldError, FieldErrors, Parsed, bounded};
use crate::domain::health::Health;
use crate::domain::outcome::{OUTCOMES_MAX, Observation, Outcome, REQUESTS_MAX, Transport};
use crate::live::reports::Entry;
use crate::proto;
use crate::proto::outcome::Result as Seen;
use crate::service::convert::{duration, failure_class, parse_duration, timestamp};
use crate::vault::{Error, ReportOutcome, Reported, Verdict};

const SEQUENCE_MAX: i32 = 9_999;
/// A use starts within minutes of its lease, and ends within hours; what is said to have taken longer is not believed.
const TIME_MAX: Duration = Duration::from_hours(24);

/// Parses a request; the paths of what is set and cannot be acted on come along.
pub(super) fn parse(
    request: proto::ReportOutcomeRequest,
) -> Result<(ReportOutcome, Vec<String>), Error> {
    let mut errors = FieldErrors::default();
    let mut unsupported = Vec::new();
    let lease_id = errors.take(lease_id::parse(request.lease_id));
    let sequence = errors.take(bounded("sequence", request.sequence, 0, SEQUENCE_MAX));
    let count = request.outcomes.len();
    if count > OUTCOMES_MAX || (count == 0 && !request.r#final) {
        errors.push(FieldError::new(
            "outcomes",
            format!("has {count} entries, must have 1 to {OUTCOMES_MAX}"),
        ));
        return Err(errors.into_vec().into());
    }
    let mut outcomes = Vec::with_capacity(count);
    for (i, outcome) in request.outcomes.into_iter().enumerate() {
        let path = format!("outcomes[{i}]");
        outcomes.extend(errors.take(parse_outcome(&path, outcome, &mut unsupported)));
    }
    let report = ReportOutcome {
        lease_id: lease_id.unwrap_or_default(),
        sequence: sequence.unwrap_or(0).unsigned_abs(),
        outcomes,
        is_final: request.r#final,
    };
    Ok((errors.ready(Some(report))?, unsupported))
}

fn parse_outcome(
    path: &str,
    outcome: proto::Outcome,
    unsupported: &mut Vec<String>,
) -> Parsed<Outcome> {
    let field = |name: &str| format!("{path}.{name}");
    let count = outcome.count.unwrap_or(1);
    let count = bounded(
        &field("count"),
        i64::from(count),
        1,
        i64::from(REQUESTS_MAX),
    )?;
    let observation = match outcome.result {
        Some(Seen::Success(success)) => Observation::Success {
            headers: kept(success.headers),
        },
        Some(Seen::NotSent(_)) => Observation::NotSent,
        Some(Seen::Http(http)) => parse_http(path, http)?,
        Some(Seen::Transport(transport)) => {
            if !transport.detail.is_empty() {
                unsupported.push(field("transport.detail"));
            }
            Observation::Transport(transport_of(transport.kind()))
        }
        None => {
            return Err(FieldError::new(
                path,
                "needs one of success, http, transport, not_sent",
            ));
        }
    };
    let said = outcome.usage.unwrap_or_default();
    let (usage, model) = usage::parse(&field("usage"), said, unsupported);
    let mut time = |name: &str, said: Option<&prost_types::Duration>| {
        let parsed = parse_duration(&field(name), said?, Duration::ZERO, TIME_MAX);
        if parsed.is_err() {
            unsupported.push(field(name));
        }
        parsed.ok()
    };
    let started_after = time("started_after", outcome.started_after.as_ref());
    let latency = time("latency", outcome.latency.as_ref());
    Ok(Outcome {
        count: u32::try_from(count).unwrap_or(1),
        observation,
        usage,
        started_after,
        latency,
        model,
    })
}

/// Headers that can be read.
fn kept(headers: Vec<proto::HttpHeader>) -> Vec<(String, Vec<u8>)> {
    let readable = headers.into_iter().filter(|header| {
        header.name.len() <= HEADER_NAME_BYTES_MAX && header.value.len() <= HEADER_VALUE_BYTES_MAX
    });
    let named = readable.map(|header| (header.name.to_ascii_lowercase(), header.value));
    kept_of_headers(named.collect())
}

/// Only what rules can read is kept, whatever else was sent.
fn parse_http(path: &str, http: proto::HttpResult) -> Parsed<Observation> {
    let status = bounded(&format!("{path}.http.status"), http.status, 100, 599)?;
    Ok(Observation::Http {
        status: u16::try_from(status).unwrap_or(599),
        headers: kept(http.headers),
        body: kept_of_body(&http.body).into_owned(),
    })
}

const fn transport_of(kind: proto::TransportFailureKind) -> Transport {
    match kind {
        proto::TransportFailureKind::Unspecified => Transport::Unknown,
        proto::TransportFailureKind::Timeout => Transport::Timeout,
        proto::TransportFailureKind::Connect
        | proto::TransportFailureKind::Tls
        | proto::TransportFailureKind::Dns => Transport::Egress,
        proto::TransportFailureKind::Cancelled => Transport::Cancelled,
    }
}

/// The answer on the wire.
pub(super) fn message(
    reported: Reported,
    unsupported: Vec<String>,
) -> proto::ReportOutcomeResponse {
    proto::ReportOutcomeResponse {
        verdicts: reported.verdicts.into_iter().map(verdict).collect(),
        unsupported,
        duplicate: reported.entry == Entry::Duplicate,
        exhausted: reported.entry == Entry::Exhausted,
    }
}

fn verdict(verdict: Verdict) -> proto::Verdict {
    let health = Some(health(&verdict.health));
    let Some(failure) = verdict.failure else {
        return proto::Verdict {
            health,
            ..Default::default()
        };
    };
    let advice = proto::Advice {
        action: advice(failure.advice).into(),
        after: verdict.after.map(duration),
        retry_token: verdict.retry_token.unwrap_or_default(),
    };
    proto::Verdict {
        failure_class: failure_class(failure.class).into(),
        blame: blame(failure.blame).into(),
        health,
        advice: Some(advice),
    }
}

fn health(health: &Health) -> proto::Health {
    let state = match health {
        Health::Active => proto::HealthState::Active,
        Health::Cooling(_) => proto::HealthState::Cooling,
        Health::Dead(_) => proto::HealthState::Dead,
    };
    let cause = health.cause();
    proto::Health {
        state: state.into(),
        until: cause.map(|c| timestamp(c.until)),
        why: cause.map(|c| c.why.clone()).unwrap_or_default(),
        failure_class: cause.map_or(0, |c| failure_class(c.class).into()),
        unconfirmed: cause.is_some_and(|c| c.accuser.is_some()),
    }
}

const fn blame(blame: Blame) -> proto::BlameScope {
    match blame {
        Blame::Request => proto::BlameScope::Request,
        Blame::Key => proto::BlameScope::Key,
        Blame::KeyModel => proto::BlameScope::KeyModel,
        Blame::Account => proto::BlameScope::Account,
        Blame::AccountModel => proto::BlameScope::AccountModel,
        Blame::Provider => proto::BlameScope::Provider,
        Blame::Egress => proto::BlameScope::Egress,
    }
}

const fn advice(advice: Advice) -> proto::AdviceAction {
    match advice {
        Advice::RetryOtherKey => proto::AdviceAction::RetryOtherKey,
        Advice::RetrySameLater => proto::AdviceAction::RetrySameLater,
        Advice::DoNotRetry => proto::AdviceAction::DoNotRetry,
    }
}
