//! How much is asked for: what somebody needs, no more than was wanted lately, and once at a time.

use proptest::prelude::*;

use super::*;
use crate::domain::ledger::entry::long_period_units_max;
use crate::domain::ledger::example::limit;
use crate::domain::limit::Dimension;

fn at(millis: u64) -> BootTime {
    BootTime::from_nanos(millis * 1_000_000)
}

proptest! {
    #[test]
    fn what_is_asked_for_is_needed_or_was_wanted_lately(
        amount in 1..100_000_u64,
        seconds in prop::sample::select(vec![1, 60, 3_600, 86_400_u64]),
        wants in prop::collection::vec((0..300_u64, 1..50_u64, 1..5_u64, any::<bool>()), 0..30),
        is_paced in any::<bool>(),
    ) {
        let limit = Arc::new(limit(1, Dimension::Tokens, amount, Duration::from_secs(seconds)));
        let mut held = Held::new(Arc::clone(&limit));
        let (mut now, mut first, mut missed, mut wanted) = (1_000_000, None, 0, 0);
        for (later, units, uses, is_missed) in wants {
            now += later;
            held.demand(units * uses, at(now));
            wanted += units * uses;
            if is_missed {
                held.miss(units, uses, Waiter { ticket: None, until: at(now), is_patient: false, yields: false });
                first.get_or_insert(units);
                missed += units * uses;
            }
        }
        let need = first.unwrap_or(1).min(amount);
        match held.ask(is_paced, at(now)) {
            Some(ask) => {
                prop_assert_eq!(ask.need, need);
                prop_assert!(ask.need <= ask.want && ask.want <= amount);
                prop_assert!(ask.want <= need.max(wanted + missed));
                if is_paced && limit.terms().is_long() {
                    prop_assert!(ask.want <= need.max(long_period_units_max(amount)));
                }
                held.asked(at(now));
                prop_assert_eq!(held.ask(is_paced, at(now + 1)), None);
            }
            None => prop_assert!(first.is_none(), "somebody needs {need}"),
        }
    }

    /// What a block was charged for is only ever lowered, and by no more than was drawn, however often and in whatever order it is told.
    #[test]
    fn reports_lower_a_block_by_what_was_drawn_at_most(
        draws in prop::collection::vec((1..20_u64, 0..25_u64, 1..4_usize), 1..20),
    ) {
        let limit = Arc::new(limit(1, Dimension::Tokens, 10_000, Duration::from_secs(60)));
        let mut held = Held::new(Arc::clone(&limit));
        held.answered(&crate::domain::ledger::example::granted(&limit, 7, 1_000, at(1)), at(1));
        let mut taken = Vec::new();
        for (units, back, times) in draws {
            let draw = held.take(units, 1, None, Duration::from_secs(9), at(2)).unwrap();
            taken.push((draw, back, times));
        }
        let drawn: u64 = taken.iter().map(|(draw, ..)| draw.units).sum();
        held.close_all();
        let mut last = held.returns(at(3)).pop().unwrap().used;
        prop_assert_eq!(last, drawn);
        for (draw, back, times) in taken {
            for _ in 0..times {
                held.settle(draw.block, |use_of| use_of.give_back(back.min(draw.units)));
                let used = held.returns(at(4)).pop().map_or(last, |told| told.used);
                prop_assert!(used <= last && last - used <= draw.units);
                last = used;
            }
        }
    }
}
