//! Whatever the limits and the need: all or nothing, in any order, and what was taken and not used is there again.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::ledger::example::{granted, limit, need};
use crate::domain::limit::Dimension;

const NOW: BootTime = BootTime::from_nanos(1_000_000_000);

/// A limit, and blocks of it.
type Case = (Limit, Vec<u64>);

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let dimension = prop::sample::select(vec![
        Dimension::Requests,
        Dimension::Tokens,
        Dimension::InputTokens,
    ]);
    let case = (
        dimension,
        1..200_u64,
        prop::collection::vec(0..80_u64, 0..4),
    );
    prop::collection::vec(case, 1..6).prop_map(|cases| {
        let numbered = cases.into_iter().zip(1..);
        let case = |((dimension, amount, blocks), number)| {
            let limit = limit(number, dimension, amount, Duration::from_mins(1));
            (limit, blocks)
        };
        numbered.map(case).collect()
    })
}

fn needs() -> impl Strategy<Value = Need<'static>> {
    (1..6_u64, 0..40_u64, 0..40_u64).prop_map(|(uses, input_tokens, output_tokens)| {
        let one = need(input_tokens, None);
        let estimate = Estimate {
            output_tokens,
            ..one.estimate
        };
        Need {
            uses,
            estimate,
            ..one
        }
    })
}

fn budget(cases: &[Case]) -> Budget {
    let mut budget = Budget::default();
    let limits: Vec<_> = cases
        .iter()
        .map(|(limit, _)| Arc::new(limit.clone()))
        .collect();
    budget.reconfigure(&limits);
    for (limit, blocks) in cases {
        for (block, units) in (0..).zip(blocks) {
            budget.answered(limit.uid, &granted(limit, block, *units, NOW), NOW);
        }
    }
    budget
}

fn available(budget: &Budget, cases: &[Case]) -> Vec<u64> {
    let limits = cases.iter().map(|(limit, _)| limit.uid);
    limits.map(|limit| budget.available(limit)).collect()
}

/// What was taken, whatever the order it is told in.
fn sorted(take: Take) -> Option<Taken> {
    let Take::Taken(mut taken) = take else {
        return None;
    };
    taken.draws.sort_unstable_by_key(|(limit, _)| *limit);
    Some(taken)
}

proptest! {
    #[test]
    fn all_is_taken_or_nothing_and_undone_it_is_there_again(cases in cases(), need in needs()) {
        let mut budget = budget(&cases);
        let before = available(&budget, &cases);
        let Some(taken) = sorted(budget.take(need, NOW)) else {
            prop_assert_eq!(available(&budget, &cases), before);
            return Ok(());
        };
        prop_assert!((1..=need.uses).contains(&taken.uses));
        for ((limit, _), before) in cases.iter().zip(&before) {
            let drawn = before - budget.available(limit.uid);
            prop_assert_eq!(drawn, units(limit, need) * taken.uses);
        }
        budget.undo(&taken.draws, taken.uses);
        prop_assert_eq!(available(&budget, &cases), before);
    }

    #[test]
    fn the_order_of_limits_changes_nothing(
        (cases, shuffled) in cases().prop_flat_map(|cases| (Just(cases.clone()), Just(cases).prop_shuffle())),
        need in needs(),
    ) {
        let (mut one, mut other) = (budget(&cases), budget(&shuffled));
        prop_assert_eq!(sorted(one.take(need, NOW)), sorted(other.take(need, NOW)));
        prop_assert_eq!(available(&one, &cases), available(&other, &cases));
        let asked = |budget: &mut Budget| -> Vec<_> {
            let mut asked: Vec<_> = budget.work(true, NOW, || 9).into_iter().map(|w| (w.limit, w.ask)).collect();
            asked.sort_unstable_by_key(|(limit, _)| *limit);
            asked
        };
        prop_assert_eq!(asked(&mut one), asked(&mut other));
    }
}

#[test]
fn what_a_shadow_was_granted_is_no_permit_of_the_limit_that_it_becomes() {
    let need = need(0, None);
    let shadow = Limit {
        mode: Mode::Shadow,
        ..limit(1, Dimension::Requests, 2, Duration::from_mins(1))
    };
    let enforced = Limit {
        mode: Mode::Enforce,
        rev: 2,
        ..shadow.clone()
    };
    let mut budget = Budget::default();
    budget.reconfigure(&[Arc::new(shadow.clone())]);
    // It is granted whole, whatever the limit has room for.
    budget.answered(shadow.uid, &granted(&shadow, 1, 50, NOW), NOW);
    assert!(matches!(budget.take(need, NOW), Take::Taken(_)));
    assert_eq!(budget.available(shadow.uid), 49);
    budget.reconfigure(&[Arc::new(enforced)]);
    assert!(matches!(budget.take(need, NOW), Take::Short(_)));
}
