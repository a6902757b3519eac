//! The stable reason and the code of every refusal: the tables that clients may build on.

use tonic::Code;

use crate::domain::refusal::{KeyRefusal, LeaseRefusal};
use crate::proto::ErrorReason;
use crate::vault::{Refusal, RenewRefusal, ReportRefusal};

/// Of a call that is refused.
pub(super) const fn of_refusal(refusal: &Refusal) -> (Code, ErrorReason) {
    match refusal {
        Refusal::NotFound { .. } => (Code::NotFound, ErrorReason::ResourceNotFound),
        Refusal::Exists { .. } | Refusal::SecretExists { .. } => {
            (Code::AlreadyExists, ErrorReason::ResourceExists)
        }
        Refusal::Fields(_) => (Code::InvalidArgument, ErrorReason::FieldInvalid),
        Refusal::EtagMismatch { .. } => (Code::Aborted, ErrorReason::EtagMismatch),
        Refusal::State { .. } | Refusal::SecretLeaving { .. } => {
            (Code::FailedPrecondition, ErrorReason::StateForbids)
        }
        Refusal::MinuteFull { .. } => (Code::ResourceExhausted, ErrorReason::QueueFull),
        Refusal::NotBuilt { .. } => (Code::Unimplemented, ErrorReason::NotBuilt),
        Refusal::RequestIdReused => (Code::InvalidArgument, ErrorReason::RequestIdReused),
        Refusal::TokenMissing | Refusal::TokenRejected => {
            (Code::Unauthenticated, ErrorReason::TokenRejected)
        }
        Refusal::RoleMissing { .. } => (Code::PermissionDenied, ErrorReason::RoleMissing),
        Refusal::DatabaseUnreachable => (Code::Unavailable, ErrorReason::DatabaseUnreachable),
        Refusal::SnapshotStale => (Code::Unavailable, ErrorReason::SnapshotStale),
        Refusal::TooManyWatches { .. } => (Code::ResourceExhausted, ErrorReason::QueueFull),
    }
}

/// Of a lease that is not given; of mixed reasons, the one that clears first.
pub(super) fn of_lease(refusal: &LeaseRefusal) -> (Code, ErrorReason) {
    match refusal {
        LeaseRefusal::TokenRejected => (Code::Unauthenticated, ErrorReason::TokenRejected),
        LeaseRefusal::PoolDenied => (Code::PermissionDenied, ErrorReason::PoolDenied),
        LeaseRefusal::PoolDisabled { .. } => (Code::FailedPrecondition, ErrorReason::PoolDisabled),
        LeaseRefusal::PoolDistrusted => (Code::FailedPrecondition, ErrorReason::KeysDistrusted),
        LeaseRefusal::AccountNotInPool => (Code::FailedPrecondition, ErrorReason::AccountNotInPool),
        LeaseRefusal::RetryTokenInvalid => (Code::InvalidArgument, ErrorReason::RetryTokenInvalid),
        LeaseRefusal::RequestIdReused => (Code::InvalidArgument, ErrorReason::RequestIdReused),
        LeaseRefusal::RequestIdSpent => (Code::FailedPrecondition, ErrorReason::RequestIdSpent),
        LeaseRefusal::TooManyRequestIds => (Code::ResourceExhausted, ErrorReason::QueueFull),
        LeaseRefusal::QueueFull => (Code::ResourceExhausted, ErrorReason::QueueFull),
        LeaseRefusal::Deadline => (Code::DeadlineExceeded, ErrorReason::Deadline),
        LeaseRefusal::Draining => (Code::Unavailable, ErrorReason::Draining),
        LeaseRefusal::SnapshotStale => (Code::Unavailable, ErrorReason::SnapshotStale),
        LeaseRefusal::JournalBehind => (Code::Unavailable, ErrorReason::JournalBehind),
        LeaseRefusal::TooManyLimits => (Code::FailedPrecondition, ErrorReason::StateForbids),
        LeaseRefusal::NoKey(tally, _) => tally
            .foremost()
            .map_or((Code::FailedPrecondition, ErrorReason::PoolEmpty), of_key),
    }
}

/// Where no key can serve: waiting cures what is exhausted or unreachable, and a change of the pool or of the call cures the rest.
const fn of_key(refusal: KeyRefusal) -> (Code, ErrorReason) {
    match refusal {
        KeyRefusal::Limit => (Code::ResourceExhausted, ErrorReason::LimitExhausted),
        KeyRefusal::Frozen => (Code::ResourceExhausted, ErrorReason::LimitsFrozen),
        KeyRefusal::Unreachable => (Code::Unavailable, ErrorReason::DatabaseUnreachable),
        KeyRefusal::Cooling => (Code::ResourceExhausted, ErrorReason::KeysCooling),
        KeyRefusal::Provider => (Code::ResourceExhausted, ErrorReason::Provider),
        KeyRefusal::Dead => (Code::ResourceExhausted, ErrorReason::KeysDead),
        KeyRefusal::Avoided => (Code::ResourceExhausted, ErrorReason::KeysAvoided),
        KeyRefusal::Disabled => (Code::FailedPrecondition, ErrorReason::PoolDisabled),
        KeyRefusal::Model => (Code::FailedPrecondition, ErrorReason::ModelNotServed),
        KeyRefusal::TooLarge => (Code::FailedPrecondition, ErrorReason::LargerThanLimit),
        KeyRefusal::ModelRequired => (Code::FailedPrecondition, ErrorReason::ModelRequired),
        KeyRefusal::CostRequired => (Code::FailedPrecondition, ErrorReason::CostRequired),
        KeyRefusal::Tampered | KeyRefusal::Undecryptable => {
            (Code::FailedPrecondition, ErrorReason::KeysDistrusted)
        }
        KeyRefusal::LimitUnread => (Code::FailedPrecondition, ErrorReason::LimitsUnread),
        KeyRefusal::NoVersion => (Code::FailedPrecondition, ErrorReason::PoolEmpty),
    }
}

/// Of a report that is not taken.
pub(super) const fn of_report(refusal: &ReportRefusal) -> (Code, ErrorReason) {
    match refusal {
        ReportRefusal::LeaseIdInvalid => (Code::InvalidArgument, ErrorReason::LeaseIdInvalid),
        ReportRefusal::LeaseForeign => (Code::PermissionDenied, ErrorReason::LeaseForeign),
        ReportRefusal::LeaseExpired { .. } => (Code::FailedPrecondition, ErrorReason::LeaseExpired),
        ReportRefusal::TooMany { .. } => (Code::InvalidArgument, ErrorReason::FieldInvalid),
        ReportRefusal::Full => (Code::Unavailable, ErrorReason::QueueFull),
        ReportRefusal::DatabaseUnreachable => (Code::Unavailable, ErrorReason::DatabaseUnreachable),
    }
}

/// Of a lease that does not go on.
pub(super) const fn of_renewal(refusal: &RenewRefusal) -> (Code, ErrorReason) {
    match refusal {
        RenewRefusal::Lease(refusal) => of_report(refusal),
        RenewRefusal::Finished => (Code::FailedPrecondition, ErrorReason::LeaseFinished),
        RenewRefusal::Spent => (Code::FailedPrecondition, ErrorReason::LeaseSpent),
        RenewRefusal::DatabaseUnreachable => (Code::Unavailable, ErrorReason::DatabaseUnreachable),
    }
}
