//! Whether one key may serve a call: everything but its permits.

use std::sync::Arc;

use super::trial::{seems_shut, shut};
use super::{Now, Wish};
use crate::domain::disablement::is_disabled;
use crate::domain::refusal::KeyRefusal;
use crate::domain::remaining::Leasing;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Admission;
use crate::live::passed_over::PassedOver;
use crate::live::snapshot::{Candidate, VersionEntry};

/// Whether a key may serve at all: everything but its own health and its permits. Of several reasons why not, its health among them, the
/// one that clears last is told: whoever comes back sooner would only hear the next.
pub(super) fn admit<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'_>,
    now: Now,
) -> Result<&'a Arc<VersionEntry>, PassedOver> {
    let account = &candidate.account.account;
    if wish.account.is_some_and(|pinned| *pinned != account.id) {
        return Err(PassedOver {
            is_of_account: true,
            ..PassedOver::of(KeyRefusal::Avoided, None)
        });
    }
    let shut = shut(&candidate.account.provider, wish, now);
    let last = passing(candidate, wish, shut, now).reduce(PassedOver::later);
    match (able(candidate, wish), last) {
        (Ok(version), None) => Ok(version),
        (Ok(version), Some(last)) => {
            let health = ailing(version.live.look(wish.applicant, now));
            let others = health.into_iter().chain(resting(candidate, wish, now));
            Err(others.fold(last, PassedOver::later))
        }
        (Err(unable), last) => Err(last
            .into_iter()
            .fold(unable, |unable, last| last.later(unable))),
    }
}

/// All that keeps a key from serving but its permits, each by itself, for whoever wants to know: a lease is told the one that clears last.
pub(in crate::live) fn objections(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
) -> Vec<PassedOver> {
    let version = candidate.version.as_ref();
    let health = version.and_then(|version| ailing(version.live.look(wish.applicant, now)));
    let unable = able(candidate, wish).err();
    let shut = seems_shut(&candidate.account.provider, wish, now);
    let all = passing(candidate, wish, shut, now)
        .chain(health)
        .chain(unable);
    all.chain(resting(candidate, wish, now)).collect()
}

/// What a lease learns only in the end: that its provider is tried elsewhere still, or that too little is left for it.
pub(in crate::live) fn late(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
) -> Option<PassedOver> {
    let shut = seems_shut(&candidate.account.provider, wish, now);
    let shut = shut.map(|until| PassedOver::until(KeyRefusal::Provider, until));
    let rests = resting(candidate, wish, now);
    shut.into_iter().chain(rests).reduce(PassedOver::later)
}

/// What time, or a person, cures; the provider is shut until that time, if it is.
fn passing(
    candidate: &Candidate,
    wish: &Wish<'_>,
    shut: Option<Timestamp>,
    now: Now,
) -> impl Iterator<Item = PassedOver> {
    let is_avoided = candidate.is_avoided(wish.avoided);
    let avoided = is_avoided.then(|| PassedOver {
        is_of_account: candidate.account.is_avoided(wish.avoided),
        ..PassedOver::of(KeyRefusal::Avoided, wish.avoided_until)
    });
    let shut = shut.map(|until| PassedOver::until(KeyRefusal::Provider, until));
    disabled(candidate, now.database)
        .chain(cooling(candidate, wish, now.database))
        .chain(shut)
        .chain(avoided)
}

/// What no time cures: the key does not serve the model, has nothing to serve it with, or has an account with a limit that nobody here
/// can keep.
fn able<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'_>,
) -> Result<&'a Arc<VersionEntry>, PassedOver> {
    if !candidate.key.models.serves(wish.need.model) {
        return Err(PassedOver::of(KeyRefusal::Model, None));
    }
    if candidate.account.has_unread_limit {
        return Err(PassedOver::of(KeyRefusal::LimitUnread, None));
    }
    let version = candidate.version.as_ref();
    let version = version.ok_or_else(|| PassedOver::of(KeyRefusal::NoVersion, None))?;
    if version.credential.is_none() {
        return Err(PassedOver::of(KeyRefusal::Undecryptable, None));
    }
    Ok(version)
}

/// A person's word on the account, and that on the key.
fn disabled(candidate: &Candidate, now: Timestamp) -> impl Iterator<Item = PassedOver> {
    let (account, key) = (&candidate.account.account, &candidate.key);
    let words = [(&account.disablement, true), (&key.disablement, false)];
    let words = words.into_iter().filter_map(|(word, is_of_account)| {
        let word = word.as_ref()?;
        Some((word, is_of_account))
    });
    let words = words.filter(move |(word, _)| is_disabled(Some(word), now));
    words.map(|(word, is_of_account)| PassedOver {
        is_of_account,
        ..PassedOver::of(KeyRefusal::Disabled, word.until)
    })
}

/// What the account cools down from, and the key for this model.
fn cooling(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Timestamp,
) -> impl Iterator<Item = PassedOver> {
    let model = as_the_provider_names_it(candidate, wish);
    let account = candidate.account.live.bars(model, wish.applicant, now);
    let account = account.map(|cause| PassedOver {
        is_of_account: true,
        ..PassedOver::cooling(cause)
    });
    let version = candidate.version.as_ref();
    let own = version.and_then(|version| version.live.bars(model, wish.applicant, now));
    account.into_iter().chain(own.map(PassedOver::cooling))
}

/// What is said to be left of its account's budgets is not enough for a lease. That is told where permits are taken, and here to whoever
/// only looks, or would come back for something else and hear it then.
pub(super) fn resting(candidate: &Candidate, wish: &Wish<'_>, now: Now) -> Option<PassedOver> {
    let model = as_the_provider_names_it(candidate, wish);
    let leasing = Leasing {
        caller: wish.applicant.caller,
        estimate: wish.need.estimate,
        uses: wish.need.uses,
    };
    let live = &candidate.account.live;
    let cause = live.would_rest(model, wish.applicant, leasing, now.database)?;
    Some(PassedOver {
        is_of_account: true,
        ..PassedOver::cooling(cause)
    })
}

/// What its own health says, unless that lets a lease through.
pub(super) fn ailing(admission: Admission) -> Option<PassedOver> {
    match admission {
        Admission::Normal | Admission::Due | Admission::Canary(_) => None,
        Admission::Cooling(until) => Some(PassedOver::until(KeyRefusal::Cooling, until)),
        Admission::Dead(until) => Some(PassedOver::until(KeyRefusal::Dead, until)),
        Admission::Awaited(until) => Some(PassedOver {
            is_awaited: true,
            ..PassedOver::until(KeyRefusal::Dead, until)
        }),
    }
}

/// Limits and cooldowns of a model are those of the provider's name for it, whatever the call named.
pub(in crate::live) fn as_the_provider_names_it<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'a>,
) -> Option<&'a str> {
    let models = &candidate.key.models;
    wish.need.model.map(|model| models.provider_name(model))
}
