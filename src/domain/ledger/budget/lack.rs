//! Which limits keep a need from being met, for the people who read the refusal.

use std::sync::Arc;

use super::look::Look;
use super::{Budget, Need, Take, Taken, counts, units};
use crate::domain::ledger::held::{Held, Offer};
use crate::domain::ledger::settle::units_of;
use crate::domain::ledger::work::Wait;
use crate::domain::limit::{Limit, Mode};
use crate::domain::time::BootTime;

/// One limit that keeps a need from being met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The limit.
    pub limit: Arc<Limit>,
    /// What one use needs of it, in units of its dimension.
    pub needed: u64,
    /// What is the matter.
    pub because: Because,
}

/// Why a limit says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Too little is at hand, until then.
    Short(Wait),
    /// One use needs more than the limit ever allows.
    TooLarge,
    /// It is of some models, and the need names none.
    ModelRequired,
    /// It counts costs, and nobody says what a use costs.
    CostRequired,
}

impl Because {
    /// Whether no waiting helps.
    #[must_use]
    pub const fn is_for_ever(self) -> bool {
        !matches!(self, Self::Short(_))
    }
}

impl Take {
    /// What was taken, or why nothing was.
    ///
    /// # Errors
    /// Why nothing was.
    pub fn done(self) -> Result<Taken, Because> {
        Err(match self {
            Self::Taken(taken) => return Ok(taken),
            Self::Short(wait) => Because::Short(wait),
            Self::TooLarge(..) => Because::TooLarge,
            Self::ModelRequired => Because::ModelRequired,
            Self::CostRequired => Because::CostRequired,
        })
    }
}

/// What kind of no a need meets, over all limits: the one that waiting helps against least is told alone.
#[derive(Debug, Clone, Copy)]
enum Ground {
    OfModels,
    OfCost,
    TooLarge,
    Short,
}

impl Budget {
    /// Every limit for which [`Budget::take`] has just said no, at the same time and to the same need. Nothing is counted by it.
    pub fn lacks(&mut self, need: Need<'_>, now: BootTime) -> impl Iterator<Item = Lack> {
        self.looks(need, now).filter_map(|look| look.lack())
    }

    /// Every limit that a need is asked of, and what it says. Nothing is counted by it.
    pub fn looks(&mut self, need: Need<'_>, now: BootTime) -> impl Iterator<Item = Look> {
        let ground = self.ground(need);
        let refuses_without = move |limit: &Limit| need.model.is_none() && is_enforced(limit);
        let concerns = move |l: &Limit| l.applies_to(need.model) || refuses_without(l);
        let held = self.held.iter_mut().filter(move |h| concerns(h.limit()));
        held.map(move |held| {
            let refuses = is_enforced(held.limit());
            let because = refuses.then(|| ground.because(held, need, now)).flatten();
            Look {
                because,
                needed: units(held.limit(), need),
                at_hand: held.available(),
                offline: held.left_offline(need.slot, now),
                seen: held.seen(),
                limit: Arc::clone(held.limit()),
            }
        })
    }

    fn ground(&self, need: Need<'_>) -> Ground {
        if need.model.is_none() && self.any(|limit| !limit.models.is_empty()) {
            Ground::OfModels
        } else if self.any(|limit| is_without_cost(limit, need)) {
            Ground::OfCost
        } else if self.any(|limit| is_too_large(limit, need)) {
            Ground::TooLarge
        } else {
            Ground::Short
        }
    }

    fn any(&self, holds: impl Fn(&Limit) -> bool) -> bool {
        let mut limits = self.held.iter().map(Held::limit);
        limits.any(|limit| is_enforced(limit) && holds(limit))
    }
}

fn is_enforced(limit: &Limit) -> bool {
    limit.mode == Mode::Enforce
}

impl Ground {
    /// Why this limit says no, if it does.
    fn because(self, held: &mut Held, need: Need<'_>, now: BootTime) -> Option<Because> {
        let limit = held.limit();
        match self {
            Self::OfModels => (!limit.models.is_empty()).then_some(Because::ModelRequired),
            Self::OfCost => is_without_cost(limit, need).then_some(Because::CostRequired),
            Self::TooLarge => is_too_large(limit, need).then_some(Because::TooLarge),
            Self::Short => shortage(held, need, now).map(Because::Short),
        }
    }
}

fn is_too_large(limit: &Limit, need: Need<'_>) -> bool {
    counts(limit, need) && units(limit, need) > limit.ledger_amount()
}

fn is_without_cost(limit: &Limit, need: Need<'_>) -> bool {
    limit.applies_to(need.model) && units_of(limit.dimension, need.estimate).is_none()
}

fn shortage(held: &mut Held, need: Need<'_>, now: BootTime) -> Option<Wait> {
    if !counts(held.limit(), need) {
        return None;
    }
    let units = units(held.limit(), need);
    match held.offer_any(units, need.uses, need.ticket, need.slot, now) {
        Offer::Uses(..) | Offer::Offline(..) => None,
        Offer::None(wait) => Some(wait),
    }
}

#[cfg(test)]
mod tests;
