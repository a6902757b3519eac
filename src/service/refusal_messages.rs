//! What a refused lease or report tells a person: what is the matter, when it clears, and what to do if it does not clear by itself.

use std::time::Duration;

use super::convert::timestamp;
use crate::domain::pool::LEASE_DURATION_MAX;
use crate::domain::refusal::{KeyRefusal, LeaseRefusal, Tally};
use crate::proto;
use crate::vault::{RenewRefusal, ReportRefusal};

/// The message of a lease that is not given.
pub(super) fn of_lease(refusal: &LeaseRefusal, retry: Option<Duration>) -> String {
    match refusal {
        LeaseRefusal::PoolDenied => {
            "the caller has no grant for this pool, or there is no such pool; ask an administrator for the role lessee".to_owned()
        }
        LeaseRefusal::PoolDisabled { why, .. } => format!("the pool is disabled: {why}"),
        LeaseRefusal::AccountNotInPool => {
            "account has no key in this pool, leave it out or lease from another pool".to_owned()
        }
        LeaseRefusal::RetryTokenInvalid => {
            "retry_token is malformed, expired, or of another caller; leave it out".to_owned()
        }
        LeaseRefusal::QueueFull => {
            "too many calls wait for this pool already, retry later or elsewhere".to_owned()
        }
        LeaseRefusal::Deadline => "the call's deadline came first".to_owned(),
        LeaseRefusal::Draining => "this replica is shutting down, call another".to_owned(),
        LeaseRefusal::SnapshotStale => {
            "this replica has not reached its database for too long, call another".to_owned()
        }
        LeaseRefusal::TooManyLimits => {
            "so many limits of the account apply to this call at once that no lease can carry them, merge some".to_owned()
        }
        LeaseRefusal::NoKey(tally) => of_tally(tally, retry),
    }
}

/// The message of a report that is not taken.
pub(super) fn of_report(refusal: &ReportRefusal) -> String {
    match refusal {
        ReportRefusal::LeaseIdInvalid => {
            "lease_id is malformed, forged, or of another cluster; send it as LeaseKey answered it".to_owned()
        }
        ReportRefusal::LeaseForeign => {
            "the lease belongs to another caller, report with the token that leased".to_owned()
        }
        ReportRefusal::LeaseExpired => {
            "the lease ended before the report came; its uses count as started, with their full estimate".to_owned()
        }
        ReportRefusal::TooMany { left } => {
            format!("outcomes count more uses than the {left} that are left of the lease")
        }
        ReportRefusal::Full => {
            "too many leases are being reported in parts, report this one whole or later".to_owned()
        }
        ReportRefusal::DatabaseUnreachable => {
            "the database cannot be reached to commit the verdict; send the same report again".to_owned()
        }
    }
}

/// The message of a lease that does not go on.
pub(super) fn of_renewal(refusal: &RenewRefusal) -> String {
    match refusal {
        RenewRefusal::Lease(refusal) => of_report(refusal),
        RenewRefusal::Finished => {
            "the lease has been reported, or its permits have gone back; stop what it is used for and lease anew".to_owned()
        }
        RenewRefusal::Spent => format!(
            "the lease has gone on for {}, the longest that leases last; end what it is used for and lease anew",
            humantime::format_duration(LEASE_DURATION_MAX)
        ),
        RenewRefusal::DatabaseUnreachable => {
            "the database cannot be reached to charge for a longer lease; send the same call again, or be done by report_within".to_owned()
        }
    }
}

fn of_tally(tally: &Tally, retry: Option<Duration>) -> String {
    let counted = tally.reasons().iter().map(|c| {
        let keys = if c.count == 1 { "1 key" } else { "keys" };
        let number = if c.count == 1 {
            String::new()
        } else {
            format!("{} ", c.count)
        };
        format!("{number}{keys} {}", phrase(c.refusal))
    });
    let counted: Vec<_> = counted.collect();
    if counted.is_empty() {
        return "the pool has no keys, add members that have some".to_owned();
    }
    let when = retry.map_or_else(
        || "waiting will not help".to_owned(),
        |after| format!("the earliest can serve in {}", rounded(after)),
    );
    format!("no key can serve: {}; {when}", counted.join(", "))
}

const fn phrase(refusal: KeyRefusal) -> &'static str {
    match refusal {
        KeyRefusal::Limit => "at a limit of the account",
        KeyRefusal::Frozen => "with a limit that is frozen after the database lost writes",
        KeyRefusal::Unreachable => "with a limit that the database does not answer for",
        KeyRefusal::Cooling => "cooling down",
        KeyRefusal::Dead => "dead",
        KeyRefusal::Avoided => "avoided by this call",
        KeyRefusal::Disabled => "disabled",
        KeyRefusal::NoVersion => "without a secret that opens",
        KeyRefusal::Model => "not serving the model",
        KeyRefusal::TooLarge => "with a limit smaller than the estimate of one use",
        KeyRefusal::ModelRequired => "with limits per model, which the call must name",
        KeyRefusal::CostRequired => {
            "with limits on cost, of which estimate.cost_micros, or the pool's default estimate, must say how much one use costs"
        }
    }
}

/// To what a person reads: whole seconds, or milliseconds below one.
fn rounded(after: Duration) -> humantime::FormattedDuration {
    let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    humantime::format_duration(if millis < 1_000 {
        Duration::from_millis(millis.max(1))
    } else {
        Duration::from_secs(millis.div_ceil(1_000))
    })
}

/// The counts, for programs.
pub(super) fn detail(tally: &Tally) -> proto::LeaseRefusal {
    let refused = tally.reasons().iter().map(|counted| proto::RefusedKeys {
        reason: reason(counted.refusal).into(),
        count: i32::try_from(counted.count).unwrap_or(i32::MAX),
        retry_time: counted.retry.map(timestamp),
    });
    proto::LeaseRefusal {
        refused: refused.collect(),
        retry_time: tally.retry().map(timestamp),
    }
}

const fn reason(refusal: KeyRefusal) -> proto::RefusalReason {
    match refusal {
        KeyRefusal::Limit => proto::RefusalReason::Limit,
        KeyRefusal::Frozen => proto::RefusalReason::Frozen,
        KeyRefusal::Unreachable => proto::RefusalReason::Unreachable,
        KeyRefusal::Cooling => proto::RefusalReason::Cooling,
        KeyRefusal::Dead => proto::RefusalReason::Dead,
        KeyRefusal::Avoided => proto::RefusalReason::Avoided,
        KeyRefusal::Disabled => proto::RefusalReason::Disabled,
        KeyRefusal::NoVersion => proto::RefusalReason::NoVersion,
        KeyRefusal::Model => proto::RefusalReason::Model,
        KeyRefusal::TooLarge => proto::RefusalReason::TooLarge,
        KeyRefusal::ModelRequired => proto::RefusalReason::ModelRequired,
        KeyRefusal::CostRequired => proto::RefusalReason::CostRequired,
    }
}
