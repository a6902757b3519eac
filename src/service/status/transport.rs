//! Of calls that never reach a method, or never come back from one.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::ErrorDetails;

use super::with_reason;
use crate::proto::ErrorReason;

/// A status of a message that is larger than its service takes; `bound` says how large it is, and how large it may be.
pub(in crate::service) fn of_message_too_large(bound: &str) -> Status {
    let message = format!("the message is {bound}; send less in one call");
    let reason = ErrorReason::MessageTooLarge;
    with_reason(Code::OutOfRange, message, reason, ErrorDetails::new(), None)
}

/// A status of a message that cannot be decoded, for this cause.
pub(in crate::service) fn of_message_malformed(cause: &str) -> Status {
    let message = format!(
        "the message cannot be read as what this method takes, use the contract of this release: {cause}"
    );
    let (code, reason) = (Code::InvalidArgument, ErrorReason::MessageMalformed);
    with_reason(code, message, reason, ErrorDetails::new(), None)
}

/// A status of a method that nobody serves, or of a way to call it.
pub(in crate::service) fn of_method_unknown(cause: &str) -> Status {
    let message = if cause.is_empty() {
        "this server has no such method, compare the path with the contract of its release"
            .to_owned()
    } else {
        format!("this server does not take such a call: {cause}")
    };
    let (code, reason) = (Code::Unimplemented, ErrorReason::MethodUnknown);
    with_reason(code, message, reason, ErrorDetails::new(), None)
}

/// A status of a call that took longer than any may.
pub(in crate::service) fn of_call_too_long(bound: Duration) -> Status {
    let message = format!(
        "the call took longer than {}, the most that this server gives one; whether it was done is not known: send it again, with the same \
         request_id where it has one, and with less in one call or a shorter max_wait",
        humantime::format_duration(bound)
    );
    let (code, reason) = (Code::DeadlineExceeded, ErrorReason::Deadline);
    with_reason(code, message, reason, ErrorDetails::new(), None)
}

/// A status of a health check that names a service which is not here.
pub(in crate::service) fn of_service_unknown() -> Status {
    let message = "no service of that name is checked here: ask for the empty name, for keylease.v1.LeaseService or \
        keylease.v1.AdminService, or for liveness"
        .to_owned();
    let (code, reason) = (Code::NotFound, ErrorReason::ResourceNotFound);
    with_reason(code, message, reason, ErrorDetails::new(), None)
}
