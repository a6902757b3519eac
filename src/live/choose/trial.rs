//! The trial of a provider that failed for everybody: the one lease in the whole fleet that finds out whether it is well. And that of an
//! account, or a key, whose budget is spent by one caller's word alone: one lease of this replica.

use std::time::Duration;

use super::judge::Fit;
use super::{Now, Wish};
use crate::domain::breaker::Passage;
use crate::domain::canary::Seating;
use crate::domain::refusal::KeyRefusal;
use crate::domain::time::{BootTime, Timestamp};
use crate::live::canaries::{ANSWERED_WITHIN, Canary, told};
use crate::live::passed_over::PassedOver;
use crate::live::provider::ProviderLive;
use crate::live::snapshot::Candidate;

/// When whoever was held back while a provider grows back is to come again.
const HELD_BACK: Duration = Duration::from_secs(1);

/// Takes the trial, where the provider is to be tried, or one caller's word against the account or the key: then the lease is of one use. A
/// key whose provider lets nothing pass is passed over.
pub(super) fn take<'a>(
    candidate: &Candidate,
    wish: &Wish<'a>,
    fit: Fit<'a>,
    now: Now,
) -> Result<Fit<'a>, PassedOver> {
    let fit = try_out(candidate, wish, fit, now)?;
    let provider = &candidate.account.provider;
    let over = |until| PassedOver::until(KeyRefusal::Provider, until);
    let over = match provider.passage(wish.applicant.caller, now.database) {
        Passage::Free if !provider.is_held_back(now.database) => return Ok(fit),
        Passage::Free => over(now.database.after(HELD_BACK)),
        Passage::Shut(until) => over(until),
        Passage::Trial => match provider.trial().take(wish.canaries, fit.lasts, now) {
            Seating::Given(lasts) => {
                return Ok(Fit {
                    uses: 1,
                    lasts,
                    is_trial: true,
                    ..fit
                });
            }
            Seating::Wanted { .. } => PassedOver {
                is_awaited: true,
                ..over(now.database.after(ANSWERED_WITHIN))
            },
            Seating::Taken(until) => over(told(until, now)),
        },
    };
    recall(candidate, &fit, now);
    Err(over)
}

/// Takes what is to be found out about a budget that is spent by one caller's word alone, unless another was faster.
fn try_out<'a>(
    candidate: &Candidate,
    wish: &Wish<'a>,
    fit: Fit<'a>,
    now: Now,
) -> Result<Fit<'a>, PassedOver> {
    let (model, applicant, at) = (fit.model, wish.applicant, now.database);
    let mut fit = fit;
    let tried = candidate.account.live.try_out(model, applicant, at);
    let tried = tried.map_err(|cause| PassedOver {
        is_of_account: true,
        ..PassedOver::cooling(cause)
    });
    let tried = tried.and_then(|is_try| {
        fit.is_try = is_try;
        let tried = fit.version.live.try_out(model, applicant, at);
        tried.map_err(PassedOver::cooling)
    });
    match tried {
        Ok(is_try_of_key) => {
            let is_single = fit.is_try || is_try_of_key;
            Ok(Fit {
                uses: if is_single { 1 } else { fit.uses },
                is_try_of_key,
                ..fit
            })
        }
        Err(over) => {
            recall(candidate, &fit, now);
            Err(over)
        }
    }
}

/// The lease was not given after all: whatever single lease it was to be, the next may be it.
pub(super) fn recall(candidate: &Candidate, fit: &Fit<'_>, now: Now) {
    if fit.is_try {
        candidate.account.live.recall(fit.model, now.database);
    }
    if fit.is_try_of_key {
        fit.version.live.recall(fit.model, now.database);
    }
    if fit.is_canary {
        fit.version.live.canary().recall(now.boot);
    }
    if fit.is_trial {
        candidate.account.provider.trial().recall(now.boot);
    }
}

/// Until when the provider of a key lets nothing pass to whoever asks for a lease, as far as can be told without taking its trial.
pub(super) fn shut(provider: &ProviderLive, wish: &Wish<'_>, now: Now) -> Option<Timestamp> {
    shut_by(provider, wish, now, |trial| match trial.look(now.boot) {
        Seating::Taken(until) => Some(until),
        Seating::Given(_) | Seating::Wanted { .. } => None,
    })
}

/// The same for whoever only looks, and does not find out whether the trial is back.
pub(super) fn seems_shut(provider: &ProviderLive, wish: &Wish<'_>, now: Now) -> Option<Timestamp> {
    shut_by(provider, wish, now, |trial| trial.taken(now.boot))
}

fn shut_by(
    provider: &ProviderLive,
    wish: &Wish<'_>,
    now: Now,
    taken: impl FnOnce(&Canary) -> Option<BootTime>,
) -> Option<Timestamp> {
    match provider.passage(wish.applicant.caller, now.database) {
        Passage::Free => None,
        Passage::Shut(until) => Some(until),
        Passage::Trial => taken(provider.trial()).map(|until| told(until, now)),
    }
}
