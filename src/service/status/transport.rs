//! Of calls that never reach a method.

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
