//! What a lease that does not go on tells a person.

use super::refusal_messages::of_report;
use crate::domain::canary::SINGLE_RENEWED_MAX;
use crate::domain::pool::LEASE_DURATION_MAX;
use crate::vault::RenewRefusal;

/// The message of a lease that does not go on.
pub(super) fn of_renewal(refusal: &RenewRefusal) -> String {
    match refusal {
        RenewRefusal::Lease(refusal) => of_report(refusal),
        RenewRefusal::Finished => {
            "the lease has been reported, its permits have gone back, or its version is revoked; stop what it is used for and lease anew".to_owned()
        }
        RenewRefusal::Spent => format!(
            "the lease has gone on for as long as leases last: {}, {} where it alone tries a key or a provider, or to its end where a limit of concurrency came after it; be done by report_within and lease anew",
            humantime::format_duration(LEASE_DURATION_MAX),
            humantime::format_duration(SINGLE_RENEWED_MAX)
        ),
        RenewRefusal::DatabaseUnreachable => {
            "the database cannot be reached to charge for a longer lease; send the same call again, or be done by report_within".to_owned()
        }
    }
}
