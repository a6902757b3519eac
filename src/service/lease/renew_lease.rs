//! RenewLease on the wire.

use crate::domain::field::{FieldError, FieldErrors};
use crate::domain::pool::{LEASE_DURATION_MAX, LEASE_DURATION_MIN};
use crate::proto;
use crate::service::convert::parse_duration;
use crate::vault::{Error, RenewLease};

const LEASE_ID_BYTES_MAX: usize = 1_024;

/// Parses a request.
pub(super) fn parse(request: proto::RenewLeaseRequest) -> Result<RenewLease, Error> {
    let mut errors = FieldErrors::default();
    if request.lease_id.is_empty() || request.lease_id.len() > LEASE_ID_BYTES_MAX {
        let message = "is required, as LeaseKey answered it";
        errors.push(FieldError::new("lease_id", message));
    }
    let duration = request.lease_duration.as_ref().map(|duration| {
        let (min, max) = (LEASE_DURATION_MIN, LEASE_DURATION_MAX);
        parse_duration("lease_duration", duration, min, max)
    });
    let lease_duration = errors.take(duration.transpose());
    let renew = lease_duration.map(|lease_duration| RenewLease {
        lease_id: request.lease_id,
        lease_duration,
    });
    Ok(errors.ready(renew)?)
}
