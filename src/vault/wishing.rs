//! What a call asks of a pool, for whoever leases and for whoever only wants to know.

use super::lease_key::LeaseKey;
use super::patience::until;
use crate::domain::claims::RetryClaims;
use crate::domain::ledger::budget::Need;
use crate::domain::pool::{Estimate, LEASE_DURATION_DEFAULT};
use crate::live::Live;
use crate::live::choose::Wish;
use crate::live::snapshot::PoolEntry;
use crate::live::version::Applicant;

/// What a call asks of a pool at this moment.
pub(super) fn wish<'a>(
    pool: &'a PoolEntry,
    call: &'a LeaseKey,
    avoided: &'a RetryClaims,
    ticket: Option<u64>,
    live: &'a Live,
) -> Wish<'a> {
    let lease_duration = call.lease_duration.or(pool.pool.lease_duration);
    let lease_duration = lease_duration.unwrap_or(LEASE_DURATION_DEFAULT);
    let estimate = Estimate::in_force(call.estimate, pool.pool.default_estimate);
    Wish {
        need: Need {
            model: call.model.as_deref(),
            uses: u64::from(call.requests),
            estimate,
            is_new: ticket.is_none(),
            ticket,
            is_patient: !call.max_wait.is_zero(),
            until: until(call),
            lease_duration,
            slot: live.slot(),
        },
        affinity_key: call.affinity_key.as_deref(),
        account: call.account.as_ref(),
        avoided: &avoided.avoided,
        avoided_until: Some(avoided.ends),
        applicant: Applicant {
            caller: avoided.caller_uid,
            patience: pool.pool.health_policy.accuser_patience(),
        },
        canaries: &live.canaries,
        prices: &pool.prices,
    }
}
