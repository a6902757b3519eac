//! The trial of a provider that failed for everybody: the one lease in the whole fleet that finds out whether it is well.

use super::judge::Fit;
use super::{Now, Wish};
use crate::domain::breaker::Passage;
use crate::domain::canary::Seating;
use crate::domain::ledger::budget::Need;
use crate::domain::refusal::KeyRefusal;
use crate::domain::time::Timestamp;
use crate::live::canaries::{ANSWERED_WITHIN, told};
use crate::live::needing::pass_over;
use crate::live::passed_over::PassedOver;
use crate::live::provider::ProviderLive;
use crate::live::snapshot::Candidate;
use crate::live::unserved::Unserved;

/// Takes the trial, where the provider is to be tried: true if this lease is it, and then it is of one use. A key whose provider lets
/// nothing pass is passed over.
pub(super) fn take<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'a>,
    fit: Fit<'a>,
    now: Now,
    unserved: &mut Unserved,
) -> Option<(Fit<'a>, bool)> {
    let provider = &candidate.account.provider;
    let until = match provider.passage(wish.caller, now.database) {
        Passage::Free => return Some((fit, false)),
        Passage::Shut(until) => until,
        Passage::Trial => {
            let lasts = fit.need.lease_duration;
            match provider.trial().take(wish.canaries, lasts, now.boot) {
                Seating::Given(lasts) => {
                    let need = Need {
                        uses: 1,
                        lease_duration: lasts,
                        ..fit.need
                    };
                    return Some((Fit { need, ..fit }, true));
                }
                Seating::Wanted { .. } => {
                    unserved.is_canary_awaited = true;
                    now.database.after(ANSWERED_WITHIN)
                }
                Seating::Taken(until) => told(until, now),
            }
        }
    };
    if fit.is_canary {
        fit.version.live.canary().recall();
    }
    let over = PassedOver::until(KeyRefusal::Provider, until);
    pass_over(candidate, wish, now, over, unserved);
    None
}

/// Until when the provider of a key lets nothing pass to whoever asks, as far as can be told without taking its trial.
pub(super) fn shut(provider: &ProviderLive, wish: &Wish<'_>, now: Now) -> Option<Timestamp> {
    match provider.passage(wish.caller, now.database) {
        Passage::Free => None,
        Passage::Shut(until) => Some(until),
        Passage::Trial => match provider.trial().look(now.boot) {
            Seating::Taken(until) => Some(told(until, now)),
            Seating::Given(_) | Seating::Wanted { .. } => None,
        },
    }
}
