//! What each limit says to a call, once the database has been asked where a lease would ask it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Met;
use super::foresight::{Foreseen, Foresight};
use crate::domain::explanation::LimitExplanation;
use crate::domain::ledger::budget::lack::{Because, Lack};
use crate::domain::ledger::budget::look::Look;
use crate::domain::ledger::work::Wait;
use crate::domain::limit::Mode;
use crate::domain::name::{LimitName, OwnerName};
use crate::live::choose::Now;
use crate::live::refusing::Refusing;

/// When a database that does not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Each limit once, however many keys draw from it.
pub(super) fn limits(met: &[Met<'_>], foresight: &Foresight, now: Now) -> Vec<LimitExplanation> {
    let mut known: HashSet<(Uuid, Option<&str>, u64)> = HashSet::new();
    let mut limits = Vec::new();
    for met in met {
        for look in &met.looks {
            if known.insert((look.limit.uid, met.needed.need.model, look.needed)) {
                limits.push(limit(met, look, foresight, now));
            }
        }
    }
    limits.sort_by_cached_key(|limit| (limit.name.to_string(), limit.model.clone()));
    limits
}

fn limit(met: &Met<'_>, look: &Look, foresight: &Foresight, now: Now) -> LimitExplanation {
    let account = &met.candidate.account;
    let foreseen = foresight.of(look.limit.uid, look.needed);
    let remaining = foreseen.map(|foreseen| foreseen.remaining);
    let lack = lack(look, foresight, now);
    let no_price = met.needed.no_price.as_deref();
    let is_shadow = look.limit.mode == Mode::Shadow;
    LimitExplanation {
        name: LimitName {
            owner: OwnerName::Account(account.account.id.clone()),
            limit: look.limit.id.clone(),
        },
        model: met.needed.need.model.map(str::to_owned),
        needed: look.needed,
        at_hand: look.at_hand,
        offline: look.limit.offline.is_some().then_some(look.offline),
        remaining,
        refusal: lack.map(|lack| Refusing::new(account, lack, no_price, now).hindrance()),
        is_over: is_shadow && remaining.is_some_and(|remaining| look.needed > remaining),
        limit: Arc::clone(&look.limit),
    }
}

/// Why a limit says no, once the database has been asked where that is worth it now.
pub(super) fn lack(look: &Look, foresight: &Foresight, now: Now) -> Option<Lack> {
    let mut lack = look.clone().lack()?;
    let Because::Short(wait) = lack.because else {
        return Some(lack);
    };
    if wait.ask_at > now.boot {
        return Some(lack);
    }
    let wait = match foresight.of(look.limit.uid, look.needed) {
        Some(Foreseen {
            is_granted: true, ..
        }) => return None,
        Some(foreseen) => foreseen.wait,
        // What a lease does that has heard nothing: it serves from the slot, if there is anything left in it.
        None if look.offline >= look.needed => return None,
        None => Wait {
            is_unreachable: true,
            clears_at: wait.clears_at.max(now.boot.after(ASK_AGAIN)),
            ..wait
        },
    };
    lack.because = Because::Short(wait);
    Some(lack)
}
