//! What an outcome is blamed on, and what that does there.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Blame, Failure};
use crate::domain::health::{Cause, FailureClass};
use crate::domain::judged::{Judged, Seen};
use crate::domain::time::Timestamp;
use crate::domain::vitals::Event;
use crate::live::pool::Counted;
use crate::live::snapshot::{AccountEntry, VersionEntry};

/// What it counts as in the pool's statistics.
pub(super) const fn counted(outcome: &Judged) -> Counted {
    match &outcome.seen {
        Seen::Failed { failure, .. } => Counted::Failure(failure.class),
        Seen::NotSent => Counted::NotSent,
        Seen::Success => Counted::Success,
    }
}

/// Cools what a spent budget or a missing entitlement is blamed on. Where the lease named no model, nobody can tell the models apart:
/// a budget then cools the whole account, and an entitlement nothing. An account that is found closed while its pool is braked is out for
/// a pause alone.
pub(super) fn cool(
    account: &AccountEntry,
    version: Option<&Arc<VersionEntry>>,
    claims: &LeaseClaims,
    failure: &Failure,
    (why, pause): (&str, Option<Duration>),
    now: Timestamp,
) {
    let (caller, model) = (claims.caller_uid, claims.model.as_str());
    let (class, stated) = (failure.class, failure.retry_after);
    let is_budget = matches!(class, FailureClass::Quota | FailureClass::RateLimit);
    let is_entitlement = class == FailureClass::ModelAccess && !model.is_empty();
    let is_account = class == FailureClass::Credential && failure.blame == Blame::Account;
    if !is_budget && !is_entitlement && !is_account {
        return;
    }
    if let Some(pause) = pause.filter(|_| is_account) {
        let until = now.after(pause);
        let why = why.to_owned();
        account.live.pause(Cause { until, why, class });
        return;
    }
    match failure.blame {
        Blame::Account => account.live.blame(caller, "", class, stated, why, now),
        Blame::AccountModel => account.live.blame(caller, model, class, stated, why, now),
        Blame::Key | Blame::KeyModel => {
            let model = if failure.blame == Blame::Key {
                ""
            } else {
                model
            };
            if let Some(version) = version {
                version.live.blame(model, class, stated, why, now);
            }
        }
        Blame::Request | Blame::Provider | Blame::Egress => {}
    }
}

/// What a failure says about the version.
pub(super) fn event(
    account: &AccountEntry,
    version: &VersionEntry,
    failure: &Failure,
    is_issuer: bool,
    now: Timestamp,
) -> Event<'static> {
    match failure.class {
        FailureClass::Credential => Event::Rejected,
        FailureClass::Unknown if is_issuer => Event::Unexplained,
        FailureClass::ProviderFault if is_issuer => Event::ProviderFault {
            others_succeeded: account
                .provider
                .others_succeeded(version.version.meta.uid, now),
        },
        FailureClass::Unknown
        | FailureClass::ProviderFault
        | FailureClass::CallerFault
        | FailureClass::Quota
        | FailureClass::RateLimit
        | FailureClass::ModelAccess
        | FailureClass::RegionOrEgress => Event::Neutral,
    }
}

/// Only what is counted is said as often as it was seen.
pub(super) fn times(failure: &Failure, count: u32) -> u32 {
    if is_counted(failure) { count } else { 1 }
}

/// Whether the provider said that the key is no good.
pub(super) fn is_rejection(outcome: &Judged) -> bool {
    let class = outcome.failure().map(|failure| failure.class);
    class == Some(FailureClass::Credential)
}

/// Whether it is counted in a row, by the issuer.
pub(super) fn is_counted(failure: &Failure) -> bool {
    [FailureClass::Unknown, FailureClass::ProviderFault].contains(&failure.class)
}
