//! What a refused lease or report tells a person: what is the matter, when it clears, and what to do if it does not clear by itself.

use std::time::Duration;

use super::hindrance_messages::{self, time};
use crate::domain::hindrance::Hindrance;
use crate::domain::refusal::{Counted, KeyRefusal, LeaseRefusal, Tally};
use crate::domain::time::Timestamp;
use crate::proto::ErrorReason;
use crate::vault::{Refusal, ReportRefusal};

/// The message of a lease that is not given.
pub(super) fn of_lease(refusal: &LeaseRefusal, now: Timestamp) -> String {
    match refusal {
        LeaseRefusal::TokenRejected => Refusal::TokenRejected.to_string(),
        LeaseRefusal::PoolDenied => {
            "the caller has no grant for this pool, or there is no such pool; ask an administrator for the role lessee".to_owned()
        }
        LeaseRefusal::PoolDisabled { why, until } => {
            let until = until.map_or_else(|| "a person enables it".to_owned(), time);
            format!("the pool is disabled until {until}: {why}; ask an operator to enable it, or lease from another pool")
        }
        LeaseRefusal::PoolDistrusted => {
            "the pool was changed in the database outside of keylease and is not believed, ask an administrator to restore it".to_owned()
        }
        LeaseRefusal::AccountNotInPool => {
            "account has no key in this pool, leave it out or lease from another pool".to_owned()
        }
        LeaseRefusal::RetryTokenInvalid => {
            "retry_token is malformed, expired, or of another caller; leave it out".to_owned()
        }
        LeaseRefusal::RequestIdReused => {
            "request_id was used for another call of this caller, choose a new one".to_owned()
        }
        LeaseRefusal::RequestIdSpent => {
            "the lease given for this request_id can no longer be started: its time is over, or its key was taken out; call again with a new one".to_owned()
        }
        LeaseRefusal::TooManyRequestIds => {
            "too many leases with a request_id are under way on this replica, leave it out, retry later, or call another".to_owned()
        }
        LeaseRefusal::QueueFull => {
            "too many calls wait for this pool already, retry later or elsewhere".to_owned()
        }
        LeaseRefusal::Deadline => {
            "the call's deadline came before a permit, call with a longer deadline or a shorter max_wait".to_owned()
        }
        LeaseRefusal::Draining => "this replica is shutting down, call another".to_owned(),
        LeaseRefusal::SnapshotStale => {
            "this replica has not reached its database for too long, call another".to_owned()
        }
        LeaseRefusal::JournalBehind => {
            "the pool has each lease recorded before its secret leaves, and the journal cannot be written now: retry later, or call another replica".to_owned()
        }
        LeaseRefusal::TooManyLimits => {
            "so many limits of the account apply to this call at once that no lease can carry them, merge some or send fewer tags".to_owned()
        }
        LeaseRefusal::NoKey(tally, hindrances) => of_tally(tally, hindrances, now),
    }
}

/// The field of the call that has to change, where one does, and to what.
pub(super) fn field(reason: ErrorReason) -> Option<(&'static str, &'static str)> {
    let mut fields = FIELDS.iter();
    let found = fields.find(|(of, ..)| *of == reason);
    found.map(|(_, field, what)| (*field, *what))
}

const FIELDS: [(ErrorReason, &str, &str); 8] = [
    (
        ErrorReason::RetryTokenInvalid,
        "retry_token",
        "is malformed, expired, or of another caller; leave it out",
    ),
    (
        ErrorReason::RequestIdReused,
        "request_id",
        "was used for another call",
    ),
    (
        ErrorReason::RequestIdSpent,
        "request_id",
        "names a lease that can no longer be started; call again with a new one",
    ),
    (
        ErrorReason::PoolDenied,
        "pool",
        "names no pool that the caller may lease from; check the name, or ask an administrator for the role lessee",
    ),
    (
        ErrorReason::AccountNotInPool,
        "account",
        "has no key in this pool; leave it out or lease from another pool",
    ),
    (
        ErrorReason::ModelRequired,
        "model",
        "is required, since limits of the account are of some models only",
    ),
    (
        ErrorReason::ModelNotServed,
        "model",
        "is served by no key of the pool; name another",
    ),
    (
        ErrorReason::LargerThanLimit,
        "estimate",
        "of one use is more than a limit ever allows; estimate less, or have the limit raised",
    ),
];

/// The message of a report that is not taken.
pub(super) fn of_report(refusal: &ReportRefusal) -> String {
    match refusal {
        ReportRefusal::LeaseIdInvalid => {
            "lease_id is malformed, forged, or of another cluster; send it as LeaseKey answered it"
                .to_owned()
        }
        ReportRefusal::LeaseForeign => {
            "the lease belongs to another caller, report with the token that leased".to_owned()
        }
        ReportRefusal::LeaseExpired { at } => {
            let at = time(*at);
            format!(
                "the lease ended at {at}, and its uses count as started, with their full estimate; lease again, and report within report_within or extend that in time by RenewLease"
            )
        }
        ReportRefusal::TooMany { left } => {
            format!("outcomes count more uses than the {left} that are left of the lease")
        }
        ReportRefusal::Full => {
            "too many leases are being reported in parts, so this report is not counted, and only what it says of the key has taken effect; report the lease whole or later".to_owned()
        }
        ReportRefusal::DatabaseUnreachable => {
            "the database cannot be reached to commit the verdict; send the same report again"
                .to_owned()
        }
    }
}

/// How many keys for which reason, the first of what is the matter by name, when that clears, and what to do.
fn of_tally(tally: &Tally, hindrances: &[Hindrance], now: Timestamp) -> String {
    let Some(foremost) = tally.foremost() else {
        return "the pool has no keys, add members that have some".to_owned();
    };
    let counted = tally.reasons().iter().map(|counted| {
        let keys = if counted.count == 1 { "key" } else { "keys" };
        let counts = format!("{} {keys} {}", counted.count, phrase(counted.refusal));
        match named(counted, hindrances, now) {
            Some(named) => format!("{counts} ({named})"),
            None => counts,
        }
    });
    let counted = counted.collect::<Vec<_>>().join(", ");
    let when = tally.retry().map_or_else(
        || "waiting will not help".to_owned(),
        |at| format!("the earliest can serve in {}", rounded(at.since(now))),
    );
    format!("no key can serve: {counted}; {when}: {}", remedy(foremost))
}

/// The first hindrance of a reason, and how many more there are.
fn named(counted: &Counted, hindrances: &[Hindrance], now: Timestamp) -> Option<String> {
    let of_reason = |h: &&Hindrance| h.refusal() == counted.refusal;
    let mut hindrances = hindrances.iter().filter(of_reason);
    let first = hindrance_messages::sentence(hindrances.next()?, now);
    Some(match hindrances.count() {
        0 => first,
        1 => format!("{first}; 1 more limit in the details"),
        more => format!("{first}; {more} more limits in the details"),
    })
}

/// What to do, by the reason that clears first.
const fn remedy(refusal: KeyRefusal) -> &'static str {
    match refusal {
        KeyRefusal::Limit => {
            "wait, or have an administrator raise the limit or add an account to the pool"
        }
        KeyRefusal::Frozen => "there is nothing to do but wait (see Failover in the README)",
        KeyRefusal::Unreachable => "call another replica, or look at this one's database",
        KeyRefusal::Cooling => "wait, or have an operator clear the health of what is well",
        KeyRefusal::Provider => {
            "wait, lease from a pool of another provider, or have an operator clear the health of the provider if it is well"
        }
        KeyRefusal::Dead => {
            "have an operator rotate a good secret in, or clear the health of what is well"
        }
        KeyRefusal::Avoided => "leave out retry_token, or the account that is asked for",
        KeyRefusal::Disabled => "ask an operator to enable it",
        KeyRefusal::Tampered => {
            "ask an administrator to restore the rows, or to delete what they are of and create it anew"
        }
        KeyRefusal::Undecryptable => {
            "have an operator rotate a secret in, or an administrator restore the row or the master key"
        }
        KeyRefusal::LimitUnread => {
            "call a replica of the newest release, or have an administrator look at the limits of the account"
        }
        KeyRefusal::NoVersion => "have an operator rotate a secret in",
        KeyRefusal::Model => {
            "name another model, or have an administrator allow it by the patterns of a key"
        }
        KeyRefusal::TooLarge => "estimate less, or have an administrator raise the limit",
        KeyRefusal::ModelRequired => "name the model",
        KeyRefusal::CostRequired => {
            "say what one use costs by estimate.cost_micros, or have an administrator set a price of the model, or give the pool a default estimate of the cost"
        }
    }
}

const fn phrase(refusal: KeyRefusal) -> &'static str {
    match refusal {
        KeyRefusal::Limit => "at a limit of the account",
        KeyRefusal::Frozen => "with a limit that is frozen after the database lost writes",
        KeyRefusal::Unreachable => "with a limit that the database does not answer for",
        KeyRefusal::Cooling => "cooling down",
        KeyRefusal::Provider => "of a provider that fails for everybody",
        KeyRefusal::Dead => "dead",
        KeyRefusal::Avoided => "avoided by this call",
        KeyRefusal::Disabled => "disabled",
        KeyRefusal::Tampered => "not believed, since changed outside of keylease",
        KeyRefusal::Undecryptable => "with a secret that does not open",
        KeyRefusal::LimitUnread => "of an account with a limit that this replica cannot read",
        KeyRefusal::NoVersion => "without a secret",
        KeyRefusal::Model => "not serving the model",
        KeyRefusal::TooLarge => "with a limit smaller than the estimate of one use",
        KeyRefusal::ModelRequired => "with limits per model, which the call must name",
        KeyRefusal::CostRequired => "with limits on cost, while nobody says what a use costs",
    }
}

/// To what a person reads: whole seconds, or milliseconds below one.
pub(super) fn rounded(after: Duration) -> humantime::FormattedDuration {
    let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    humantime::format_duration(if millis < 1_000 {
        Duration::from_millis(millis.max(1))
    } else {
        Duration::from_secs(millis.div_ceil(1_000))
    })
}
