//! The one file that makes a `tonic::Status`: a code, a message, a stable reason, and the details that help.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use uuid::Uuid;

use super::{hindrance_messages, reasons, refusal_detail, refusal_messages, renewal_messages};
use crate::domain::field::FieldError;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::time::Timestamp;
use crate::proto::ErrorReason;
use crate::vault::{Error, Fault, Refusal, RenewRefusal, ReportRefusal};

mod transport;

pub(super) use transport::{
    of_call_too_long, of_message_malformed, of_message_too_large, of_method_unknown,
    of_service_unknown,
};

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "keylease";
/// When to ask again after the database could not be reached: connections are retried faster than this.
const RETRY_DATABASE: Duration = Duration::from_secs(1);
/// When to ask again for a watch: others go on for as long as somebody looks at them.
const RETRY_WATCH: Duration = Duration::from_secs(30);

/// A status that somebody else has made, as an answer's headers say it.
pub(super) fn said(headers: &tonic::codegen::http::HeaderMap) -> Option<Status> {
    Status::from_header_map(headers)
}

/// A status of any error of the vault.
#[must_use]
pub fn of_error(error: Error) -> Status {
    match error {
        Error::Refused(refusal) => of_refusal(&refusal),
        Error::Failed(fault) => of_fault(&fault),
    }
}

/// A status of an expected no.
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> Status {
    let (code, reason) = reasons::of_refusal(refusal);
    let mut details = ErrorDetails::new();
    match refusal {
        Refusal::Fields(fields)
        | Refusal::SecretExists { fields }
        | Refusal::SecretLeaving { fields } => {
            details.set_bad_request(violations(fields));
        }
        Refusal::NotBuilt { field, .. } => {
            // An RPC is no field; its name begins with a capital letter.
            if field.starts_with(char::is_lowercase) {
                details.add_bad_request_violation(field, refusal.to_string());
            }
        }
        Refusal::RequestIdReused => {
            details.add_bad_request_violation("request_id", "was used for another request");
        }
        Refusal::DatabaseUnreachable | Refusal::SnapshotStale => {
            details.set_retry_info(Some(RETRY_DATABASE));
        }
        Refusal::TooManyWatches { .. } | Refusal::MinuteFull { .. } => {
            details.set_retry_info(Some(RETRY_WATCH));
        }
        Refusal::NotFound { .. }
        | Refusal::Exists { .. }
        | Refusal::EtagMismatch { .. }
        | Refusal::State { .. }
        | Refusal::TokenMissing
        | Refusal::TokenRejected
        | Refusal::RoleMissing { .. } => {}
    }
    with_reason(
        code,
        refusal.to_string(),
        reason,
        details,
        refusal.resource(),
    )
}

/// A status of a lease that is not given: why, in counts of keys, and when it could be.
#[must_use]
pub fn of_lease_refusal(refusal: &LeaseRefusal, now: Timestamp) -> Status {
    let mut details = ErrorDetails::new();
    let retry = match refusal {
        LeaseRefusal::NoKey(tally, _) => tally.retry().map(|at| at.since(now)),
        LeaseRefusal::PoolDisabled { until, .. } => until.map(|at| at.since(now)),
        LeaseRefusal::QueueFull
        | LeaseRefusal::TooManyRequestIds
        | LeaseRefusal::Draining
        | LeaseRefusal::JournalBehind
        | LeaseRefusal::SnapshotStale => Some(RETRY_DATABASE),
        LeaseRefusal::TokenRejected
        | LeaseRefusal::PoolDenied
        | LeaseRefusal::PoolDistrusted
        | LeaseRefusal::AccountNotInPool
        | LeaseRefusal::RetryTokenInvalid
        | LeaseRefusal::RequestIdReused
        | LeaseRefusal::RequestIdSpent
        | LeaseRefusal::TooManyLimits
        | LeaseRefusal::Deadline => None,
    };
    if retry.is_some() {
        details.set_retry_info(retry);
    }
    let (code, reason) = reasons::of_lease(refusal);
    if let Some((field, what)) = refusal_messages::field(reason) {
        details.add_bad_request_violation(field, what);
    }
    let message = refusal_messages::of_lease(refusal, now);
    let LeaseRefusal::NoKey(tally, hindrances) = refusal else {
        return with_reason(code, message, reason, details, None);
    };
    for (limit, description) in hindrance_messages::violations(hindrances, now) {
        details.add_quota_failure_violation(limit, description);
    }
    let status = with_reason(code, message, reason, details, None);
    with_detail(status, &refusal_detail::detail(tally, hindrances))
}

/// A status of a report that is not taken.
#[must_use]
pub fn of_report_refusal(refusal: &ReportRefusal) -> Status {
    let (code, reason) = reasons::of_report(refusal);
    let message = refusal_messages::of_report(refusal);
    let mut details = ErrorDetails::new();
    match refusal {
        ReportRefusal::LeaseIdInvalid => {
            details.add_bad_request_violation("lease_id", message.clone());
        }
        ReportRefusal::TooMany { .. } => {
            details.add_bad_request_violation("outcomes", message.clone());
        }
        ReportRefusal::Full | ReportRefusal::DatabaseUnreachable => {
            details.set_retry_info(Some(RETRY_DATABASE));
        }
        ReportRefusal::LeaseForeign | ReportRefusal::LeaseExpired { .. } => {}
    }
    with_reason(code, message, reason, details, None)
}

/// A status of a lease that does not go on.
#[must_use]
pub fn of_renew_refusal(refusal: &RenewRefusal) -> Status {
    let mut details = ErrorDetails::new();
    match refusal {
        RenewRefusal::Lease(refusal) => return of_report_refusal(refusal),
        RenewRefusal::DatabaseUnreachable => {
            details.set_retry_info(Some(RETRY_DATABASE));
        }
        RenewRefusal::Finished | RenewRefusal::Spent => {}
    }
    let (code, reason) = reasons::of_renewal(refusal);
    let message = renewal_messages::of_renewal(refusal);
    with_reason(code, message, reason, details, None)
}

/// Adds a detail of our own to the standard ones.
fn with_detail(status: Status, detail: &crate::proto::LeaseRefusal) -> Status {
    let Ok(mut rich) = tonic_types::pb::Status::decode(status.details()) else {
        return status;
    };
    rich.details.push(prost_types::Any {
        type_url: "type.googleapis.com/keylease.v1.LeaseRefusal".to_owned(),
        value: detail.encode_to_vec(),
    });
    Status::with_details(status.code(), status.message(), rich.encode_to_vec().into())
}

/// Logs a fault once, under an id that its caller can quote, and tells nothing else.
fn of_fault(fault: &Fault) -> Status {
    let id = Uuid::new_v4();
    let mut causes = Vec::new();
    let mut cause = fault.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let causes = causes.join(": ");
    tracing::error!(fault.id = %id, fault.doing = %fault, fault.causes = causes, "a call failed by a fault of the vault");
    let message = format!("a fault of the vault, its log has it under {id}");
    let details = ErrorDetails::new();
    with_reason(
        Code::Internal,
        message,
        ErrorReason::Internal,
        details,
        None,
    )
}

fn with_reason(
    code: Code,
    message: String,
    reason: ErrorReason,
    mut details: ErrorDetails,
    resource: Option<&str>,
) -> Status {
    let metadata = resource
        .map(|name| ("resource".to_owned(), name.to_owned()))
        .into_iter()
        .collect::<HashMap<_, _>>();
    details.set_error_info(name_of(reason), DOMAIN, metadata);
    Status::with_error_details(code, message, details)
}

/// A reason as `ErrorInfo` and metrics have it: without the prefix of the enum.
pub(super) fn name_of(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

fn violations(fields: &[FieldError]) -> Vec<FieldViolation> {
    fields
        .iter()
        .map(|error| FieldViolation::new(&error.field, &error.message))
        .collect()
}

#[cfg(test)]
mod tests;
