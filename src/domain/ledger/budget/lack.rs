//! Which limits keep a need from being met, for the people who read the refusal.

use std::sync::Arc;

use super::look::Look;
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
    fn whoever_only_looks_hears_what_a_taker_would_and_takes_and_counts_nothing() {
        let mut budget = Budget::default();
        let limit = limit(1, Dimension::Requests, &[]);
        budget.reconfigure(&[Arc::clone(&limit)]);
        let now = BootTime::from_nanos(1);
        let short = Some(Take::Short(Wait::default()));
        assert_eq!(budget.would_refuse(need(1, None), now), short);
        // Nobody has asked for anything.
        assert!(!budget.is_busy());
        assert!(budget.work(false, now, || 1).is_empty());
        assert_eq!(budget.would_refuse(need(1, None), now), short);
        let granted = Answer {
            block: 1,
            units: 2,
            within: 2,
            sent: now,
            terms: limit.terms(),
            grant_number: 7,
            wait: Wait::default(),
        };
        budget.answered(limit.uid, &granted, now);
        for _ in 0..1_000 {
            assert_eq!(budget.would_refuse(need(1, None), now), None);
        }
        let looks: Vec<_> = budget.looks(need(1, None), now).collect();
        let look = &looks[0];
        assert_eq!(
            (look.needed, look.at_hand, look.seen, look.because),
            (1, 2, 7, None)
        );
        assert!(matches!(budget.take(need(1, None), now), Take::Taken(_)));
        assert_eq!(budget.available(limit.uid), 1);
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
