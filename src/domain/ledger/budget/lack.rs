//! Which limits keep a need from being met, for the people who read the refusal.

use std::sync::Arc;

use super::{Budget, Need, counts, units};
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

impl Budget {
    /// Every limit for which [`Budget::take`] has just said no, at the same time and to the same need. Nothing is counted by it.
    pub fn lacks(&mut self, need: Need<'_>, now: BootTime) -> impl Iterator<Item = Lack> {
        let of_models = need.model.is_none() && self.any(|limit| !limit.models.is_empty());
        let too_large = self.any(|limit| is_too_large(limit, need));
        let of_cost = self.any(|limit| is_without_cost(limit, need));
        let enforced = |held: &&mut Held| held.limit().mode == Mode::Enforce;
        self.held
            .iter_mut()
            .filter(enforced)
            .filter_map(move |held| {
                let because = if of_models {
                    (!held.limit().models.is_empty()).then_some(Because::ModelRequired)?
                } else if of_cost {
                    is_without_cost(held.limit(), need).then_some(Because::CostRequired)?
                } else if too_large {
                    is_too_large(held.limit(), need).then_some(Because::TooLarge)?
                } else {
                    Because::Short(shortage(held, need, now)?)
                };
                Some(Lack {
                    limit: Arc::clone(held.limit()),
                    needed: units(held.limit(), need),
                    because,
                })
            })
    }

    fn any(&self, holds: impl Fn(&Limit) -> bool) -> bool {
        let mut limits = self.held.iter().map(Held::limit);
        limits.any(|limit| limit.mode == Mode::Enforce && holds(limit))
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
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::domain::id::Id;
    use crate::domain::ledger::budget::Take;
    use crate::domain::ledger::work::Answer;
    use crate::domain::limit::{Dimension, Owner};
    use crate::domain::models::Pattern;
    use crate::domain::pool::Estimate;
    use crate::domain::terms::Span;
    use crate::domain::time::Timestamp;

    fn limit(number: u128, dimension: Dimension, models: &[&str]) -> Arc<Limit> {
        let pattern = |text: &&str| Pattern::parse("models", text).unwrap();
        Arc::new(Limit {
            uid: Uuid::from_u128(number),
            rev: 1,
            owner: Owner::Account(Uuid::from_u128(9)),
            id: Id::parse("id", &format!("l{number}")).unwrap(),
            create_time: Timestamp::from_micros(0),
            update_time: Timestamp::from_micros(0),
            dimension,
            amount: 100,
            span: Span::Rolling(Duration::from_mins(1)),
            mode: Mode::Enforce,
            models: models.iter().map(pattern).collect(),
            validity: None,
            start_within: None,
            blackout: None,
            offline: None,
        })
    }

    fn need(input_tokens: u64, model: Option<&str>) -> Need<'_> {
        Need {
            model,
            uses: 1,
            estimate: Estimate {
                input_tokens,
                output_tokens: 0,
                cost_micros: None,
            },
            is_new: true,
            ticket: None,
            is_patient: false,
            until: BootTime::default(),
            lease_duration: Duration::from_mins(10),
            slot: None,
        }
    }

    fn named(budget: &mut Budget, need: Need<'_>, now: BootTime) -> Vec<(u128, u64, Because)> {
        assert!(!matches!(budget.take(need, now), Take::Taken(_)));
        let lacks = budget.lacks(need, now);
        let named = lacks.map(|lack| (lack.limit.uid.as_u128(), lack.needed, lack.because));
        named.collect()
    }

    #[test]
    fn only_the_limits_that_refuse_are_named_and_what_one_use_needs_of_them() {
        let mut budget = Budget::default();
        let (requests, tokens) = (
            limit(1, Dimension::Requests, &[]),
            limit(2, Dimension::Tokens, &[]),
        );
        budget.reconfigure(&[Arc::clone(&requests), tokens]);
        let now = BootTime::from_nanos(1);
        assert_eq!(
            budget.take(need(30, None), now),
            Take::Short(Wait::default())
        );
        // The requests are granted, the tokens are not.
        let granted = Answer {
            block: 1,
            units: 5,
            within: 5,
            sent: now,
            terms: requests.terms(),
            grant_number: 1,
            wait: Wait::default(),
        };
        budget.answered(requests.uid, &granted, now);
        let short = Because::Short(Wait::default());
        assert_eq!(named(&mut budget, need(30, None), now), [(2, 30, short)]);
    }

    #[test]
    fn what_no_waiting_helps_against_is_named_alone() {
        let mut budget = Budget::default();
        budget.reconfigure(&[
            limit(1, Dimension::Requests, &[]),
            limit(2, Dimension::Tokens, &[]),
            limit(3, Dimension::InputTokens, &["gpt-*"]),
        ]);
        let now = BootTime::from_nanos(1);
        assert_eq!(
            named(&mut budget, need(101, None), now),
            [(3, 101, Because::ModelRequired)]
        );
        assert_eq!(
            named(&mut budget, need(101, Some("gpt-4o")), now),
            [(2, 101, Because::TooLarge), (3, 101, Because::TooLarge)]
        );
        assert_eq!(
            named(&mut budget, need(101, Some("claude")), now),
            [(2, 101, Because::TooLarge)]
        );
    }
}
