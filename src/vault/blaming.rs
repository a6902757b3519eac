//! What an outcome is blamed on, and what that does there.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Blame, Failure};
use crate::domain::cooling::{Failing, Weight};
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::judged::{Judged, Seen};
use crate::domain::time::Timestamp;
use crate::domain::transition::Who;
use crate::domain::vitals::{Event, Word};
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
/// a budget then cools the whole account, and an entitlement nothing. A closed account cools once its key is proven dead, and while its
/// pool is braked for a pause alone.
pub(super) fn cool(
    account: &AccountEntry,
    version: Option<&Arc<VersionEntry>>,
    claims: &LeaseClaims,
    failure: &Failure,
    (why, pause, weight): (&str, Option<Duration>, Option<Weight>),
    now: Timestamp,
) {
    let (caller, model) = (claims.caller_uid, claims.model.as_str());
    let (class, stated) = (failure.class, failure.retry_after);
    let is_budget = matches!(class, FailureClass::Quota | FailureClass::RateLimit);
    let is_entitlement = class == FailureClass::ModelAccess && !model.is_empty();
    let is_account = class == FailureClass::Credential
        && failure.blame == Blame::Account
        && version.is_some_and(|version| is_proven_dead(version, now));
    if !is_budget && !is_entitlement && !is_account {
        return;
    }
    if let Some(pause) = pause.filter(|_| is_account) {
        let until = now.after(pause);
        let why = why.to_owned();
        account.live.pause(Cause {
            until,
            why,
            class,
            accuser: None,
            tried: None,
        });
        return;
    }
    // That a closed account is closed is proven by now.
    let weight = if is_account {
        Some(Weight::Proven)
    } else {
        weight
    };
    let Some(weight) = weight else { return };
    let failing = Failing { class, stated, why };
    match failure.blame {
        Blame::Account => account.live.blame((caller, weight), "", failing, now),
        Blame::AccountModel => account.live.blame((caller, weight), model, failing, now),
        Blame::Key | Blame::KeyModel => {
            let model = if failure.blame == Blame::Key {
                ""
            } else {
                model
            };
            if let Some(version) = version {
                let live = &version.live;
                live.blame(model, failing, weight.of_key(), who(claims), now);
            }
        }
        Blame::Request | Blame::Provider | Blame::Egress => {}
    }
}

/// Whether a version is dead by more than the word of one caller, whom its pool does not trust.
fn is_proven_dead(version: &VersionEntry, now: Timestamp) -> bool {
    let health = version.live.health(now);
    matches!(health, Health::Dead(cause) if cause.accuser.is_none())
}

/// What a failure says about the version.
pub(super) fn event(
    account: &AccountEntry,
    version: &VersionEntry,
    failure: &Failure,
    word: Word,
    is_issuer: bool,
    now: Timestamp,
) -> Event<'static> {
    match failure.class {
        FailureClass::Credential => Event::Rejected(word),
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

/// Whose word an outcome is.
pub(super) const fn who(claims: &LeaseClaims) -> Who {
    if claims.is_canary {
        Who::Canary(claims.caller_uid)
    } else {
        Who::Caller(claims.caller_uid)
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
