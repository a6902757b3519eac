//! What a call needs of one key, and whether the limits of its account could ever give that.

use super::choose::admit::as_the_provider_names_it;
use super::choose::{Now, Wish};
use super::costing::estimate;
use super::passed_over::PassedOver;
use super::snapshot::Candidate;
use super::unserved::{Told, Unserved};
use crate::domain::ledger::budget::Need;
use crate::domain::ledger::budget::lack::Because;
use crate::domain::prices::NoPrice;
use crate::domain::time::Timestamp;

/// What a call needs, with the model as the provider names it and the cost that follows: the same of every key of an account that is led
/// to the same model.
#[derive(Debug)]
pub(super) struct Needed<'a> {
    pub(super) need: Need<'a>,
    /// Why nobody knows what a use costs, where a limit may ask.
    pub(super) no_price: Option<Box<NoPrice>>,
}

impl<'a> Needed<'a> {
    pub(super) fn new(
        candidate: &'a Candidate,
        wish: &Wish<'a>,
        uses: u64,
        now: Timestamp,
    ) -> Self {
        let model = as_the_provider_names_it(candidate, wish);
        let (estimate, no_price) = estimate(candidate, wish, model, now);
        let need = Need {
            model,
            uses,
            estimate,
            ..wish.need
        };
        Self { need, no_price }
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
) -> Told {
    let clears = over.until.is_some();
    match clears.then(|| never(candidate, wish, now, unserved)) {
        Some(Some(never)) => unserved.refuse(never, now),
        Some(None) | None => unserved.pass_over(candidate, over),
    }
}

fn never(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
) -> Option<Because> {
    let account = &candidate.account;
    let model = as_the_provider_names_it(candidate, wish);
    if let Some(because) = unserved.heard_of(account, model) {
        return because.is_for_ever().then_some(because);
    }
    let needed = Needed::new(candidate, wish, wish.need.uses, now.database);
    let (never, lacks) = account.live.with_budget_quietly(|budget| {
        let never = budget.never(needed.need)?.done().err()?;
        Some((never, budget.lacks(needed.need, now.boot).collect()))
    })?;
    unserved.hears(account, &needed, never, lacks, now);
    Some(never)
}
