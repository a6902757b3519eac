//! RenewLease on the wire.

use super::lease_id;
use crate::domain::field::FieldErrors;
use crate::domain::pool::{LEASE_DURATION_MAX, LEASE_DURATION_MIN};
use crate::proto;
use crate::service::convert::parse_duration;
use crate::vault::{Error, RenewLease};

/// Parses a request.
pub(super) fn parse(request: proto::RenewLeaseRequest) -> Result<RenewLease, Error> {
    let mut errors = FieldErrors::default();
    let lease_id = errors.take(lease_id::parse(request.lease_id));
    let duration = request.lease_duration.as_ref().map(|duration| {
        let (min, max) = (LEASE_DURATION_MIN, LEASE_DURATION_MAX);
        parse_duration("lease_duration", duration, min, max)
    });
    let lease_duration = errors.take(duration.transpose());
    let renew = lease_id
        .zip(lease_duration)
        .map(|(lease_id, lease_duration)| RenewLease {
            lease_id,
            lease_duration,
        });
    Ok(errors.ready(renew)?)
}
