//! What a call needs of one key, and whether the limits of its account could ever give that.

use super::choose::admit::as_the_provider_names_it;
use super::choose::{Now, Wish};
use super::costing::estimate;
use super::passed_over::PassedOver;
use super::snapshot::Candidate;
use super::unserved::Unserved;
use crate::domain::ledger::budget::{Need, Take};
use crate::domain::refusal::KeyRefusal;
use crate::domain::time::Timestamp;

/// What a call needs, with the model as the provider names it and the cost that follows. Demand is counted once for each account.
pub(super) fn need<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'a>,
    now: Timestamp,
    unserved: &mut Unserved,
) -> Need<'a> {
    Need {
        is_new: wish.need.is_new && !unserved.is_short(&candidate.account.live),
        model: as_the_provider_names_it(candidate, wish),
        estimate: estimate(candidate, wish, now, unserved),
        ..wish.need
    }
}

/// A key is passed over for something other than permits. Where its limits would never let the call through, that is told instead of
/// what clears: whoever came back then would only hear that.
pub(super) fn pass_over(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
    over: PassedOver,
    unserved: &mut Unserved,
) {
    let clears = over.until.is_some();
    match clears.then(|| never(candidate, wish, now, unserved)) {
        Some(Some(refusal)) => unserved.tally.add(refusal, None),
        Some(None) | None => unserved.pass_over(candidate, over),
    }
}

fn never(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
) -> Option<KeyRefusal> {
    let need = need(candidate, wish, now.database, unserved);
    let account = &candidate.account;
    let (never, lacks) = account.live.with_budget_quietly(|budget| {
        let never = budget.never(need)?;
        Some((never, budget.lacks(need, now.boot).collect::<Vec<_>>()))
    })?;
    for lack in lacks {
        unserved.lacks(account, lack, now);
    }
    match never {
        Take::TooLarge(..) => Some(KeyRefusal::TooLarge),
        Take::ModelRequired => Some(KeyRefusal::ModelRequired),
        Take::CostRequired => Some(KeyRefusal::CostRequired),
        Take::Taken(_) | Take::Short(_) => None,
    }
}
