//! What an outcome is blamed on, and what that does there.

use std::sync::Arc;
use std::time::Duration;

use super::words::is_closing;
use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Blame, Failure};
use crate::domain::cooling::{Failing, UNNAMED, Weight};
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::judged::{Judged, Seen};
use crate::domain::outcome::Start;
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

/// Cools what a spent budget or a missing entitlement is blamed on. Where the lease named no model, one model's failure is held against that
/// which the report names, and a budget's against leases that name none besides. A closed account cools once its key is proven dead, or a single lease has found that it is closed still, and while its
/// pool is braked for a pause alone.
pub(super) fn cool(
    account: &AccountEntry,
    version: Option<&Arc<VersionEntry>>,
    claims: &LeaseClaims,
    (failure, served): (&Failure, Option<&str>),
    (why, pause, weight): (&str, Option<Duration>, Option<Weight>),
    now: Timestamp,
) {
    let (caller, model) = (claims.caller_uid, claims.model.as_str());
    let (class, stated) = (failure.class, failure.retry_after);
    let is_budget = matches!(class, FailureClass::Quota | FailureClass::RateLimit);
    let is_entitlement = class == FailureClass::ModelAccess;
    let is_proven = || version.is_some_and(|version| is_proven_dead(version, now));
    let is_found = || weight.is_some() && account.live.is_trial_of_closure(claims.given, now);
    let is_account = is_closing(failure) && (is_proven() || is_found());
    if !is_budget && !is_entitlement && !is_account {
        return;
    }
    if let Some(pause) = pause.filter(|_| is_account) {
        let cause = Cause::new(now.after(pause), class, why.to_owned());
        account.live.pause(cause);
        return;
    }
    // That a closed account is closed is proven by now; whether it stays so, single leases find out.
    let given = claims.given;
    let proven = is_account.then_some(Weight::Closed { given });
    let failing = Failing { class, stated, why };
    let Some(weight) = proven.or(weight) else {
        cool_for(account, claims, (failure.blame, served), failing, now);
        return;
    };
    if failure.blame == Blame::Account {
        account.live.said_with(caller, model);
    }
    match failure.blame {
        Blame::Account => account.live.blame((caller, weight), "", failing, now),
        Blame::AccountModel => blamed(claims, served, class)
            .for_each(|model| account.live.blame((caller, weight), model, failing, now)),
        Blame::Key | Blame::KeyModel => {
            let Some(version) = version else { return };
            let blame = |model: &str| {
                let live = &version.live;
                live.blame(model, failing, weight, who(claims), now);
            };
            if failure.blame == Blame::Key {
                blame("");
            } else {
                blamed(claims, served, class).for_each(blame);
            }
        }
        Blame::Request | Blame::Provider | Blame::Egress => {}
    }
}

/// The models that a failure of one is held against: that of the lease, else the one that served; and where the lease named none, what
/// leases that name none cool down by, unless a person has to give that one model.
fn blamed<'a>(
    claims: &'a LeaseClaims,
    served: Option<&'a str>,
    class: FailureClass,
) -> impl Iterator<Item = &'a str> {
    let leased = Some(claims.model.as_str()).filter(|model| !model.is_empty());
    let is_unnamed = leased.is_none() && class != FailureClass::ModelAccess;
    let unnamed = is_unnamed.then_some(UNNAMED);
    leased.or(served).into_iter().chain(unnamed)
}

/// The same for a caller whose word is doubted: for itself alone. Of a single key its word does nothing.
pub(super) fn cool_for(
    account: &AccountEntry,
    claims: &LeaseClaims,
    (blame, served): (Blame, Option<&str>),
    failing: Failing<'_>,
    now: Timestamp,
) {
    let by = |model: &str| {
        let live = &account.live;
        live.blame_for(claims.caller_uid, model, failing, now);
    };
    match blame {
        Blame::Account => by(""),
        Blame::AccountModel => blamed(claims, served, failing.class).for_each(by),
        Blame::Key | Blame::KeyModel | Blame::Request | Blame::Provider | Blame::Egress => {}
    }
}

/// Whether a version is dead by more than the word of one caller, whom its pool does not trust.
fn is_proven_dead(version: &VersionEntry, now: Timestamp) -> bool {
    let health = version.live.health(now);
    matches!(health, Health::Dead(cause) if cause.accuser.is_none())
}

/// What a failure says about the version of the lease. That no answer came in time is the caller's own clock, or the provider's doing.
pub(super) fn event(
    account: &AccountEntry,
    claims: &LeaseClaims,
    (failure, start): (&Failure, Start),
    word: Word,
    is_issuer: bool,
    now: Timestamp,
) -> Event<'static> {
    let others_succeeded = || {
        let (version, model) = (claims.version_uid, claims.model.as_str());
        account.provider.others_succeeded(version, model, now)
    };
    match failure.class {
        FailureClass::Credential => Event::Rejected(word),
        FailureClass::Unknown if is_issuer => Event::Unexplained {
            others_succeeded: others_succeeded(),
            word,
        },
        FailureClass::ProviderFault if is_issuer && start != Start::Unknown => {
            Event::ProviderFault {
                others_succeeded: others_succeeded(),
                word,
            }
        }
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

/// Each outcome of a report, and whether it only says again what counts once: a report is one failure in a row, however many uses it
/// speaks of, since its caller alone says how many those were.
pub(super) fn each_once(outcomes: &[Judged]) -> impl Iterator<Item = (&Judged, bool)> {
    let mut is_said = false;
    outcomes.iter().map(move |outcome| {
        let is_again = is_said && outcome.failure().is_some_and(is_counted);
        match &outcome.seen {
            Seen::NotSent => {}
            Seen::Success => is_said = false,
            Seen::Failed { failure, .. } => is_said |= is_counted(failure),
        }
        (outcome, is_again)
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::classify;
    use crate::domain::outcome::{Observation, Outcome, Transport};
    use crate::domain::usage::Usage;

    fn judged(observation: Observation) -> Judged {
        let outcome = Outcome {
            count: 5,
            observation,
            usage: Usage::default(),
            started_after: None,
            latency: None,
            model: None,
        };
        let book = classify::built_in().unwrap();
        outcome.judged(book.named("generic"), Timestamp::from_micros(0))
    }

    #[test]
    fn a_report_is_one_failure_in_a_row_until_it_speaks_of_a_success() {
        let fault = || judged(Observation::Transport(Transport::Unknown));
        let success = judged(Observation::Success {
            headers: Vec::new(),
        });
        let outcomes = [fault(), fault(), success, fault(), fault()];
        let again: Vec<bool> = each_once(&outcomes).map(|(_, again)| again).collect();
        assert_eq!(again, [false, true, false, false, true]);
    }
}
