//! Whatever a limit is charged for and whoever claims it: no grant passes N, and clocks and grant numbers only go on.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::ledger::clock::{Believed, Clocks};
use crate::domain::ledger::entry::{Claim, Seen};
use crate::domain::ledger::example::limit;
use crate::domain::ledger::grant::{Ask, Urgency};
use crate::domain::ledger::losable::{Lately, Losable};
use crate::domain::ledger::loss::Loss;
use crate::domain::ledger::offline::reserve::Reserve;
use crate::domain::ledger::reach::Reach;
use crate::domain::ledger::work::{Charge, NumberedAsk};
use crate::domain::limit::Dimension;

const ME: Uuid = Uuid::from_u128(1 << 64);
const OTHER: Uuid = Uuid::from_u128(2 << 64);
const HIGH: i64 = 1_700_000_000_000_000;

fn entry(claim: Option<u64>, frozen: bool) -> Entry {
    let high = Timestamp::from_micros(HIGH);
    Entry {
        clocks: Clocks {
            high,
            low: high.before(Duration::from_millis(50)),
        },
        reach: Reach::NONE,
        grant_number: 40,
        incarnation: 3,
        frozen_until: frozen.then(|| high.after(Duration::from_secs(5))),
        claim: claim.map(|units| Claim {
            boot_id: OTHER,
            units,
            until: high,
        }),
        told: None,
        block_units_max: 9,
        lately: Lately::default(),
        offline: Reserve::default(),
    }
}

fn work(need: u64, more: u64, charge: Option<u64>, seen: Seen) -> Work {
    Work {
        ask: Some(NumberedAsk {
            block: 5,
            ask: Ask {
                need,
                want: need + more,
                lacking: 0,
                largest: need,
                urgency: Urgency::Awaited,
                only_looks: false,
            },
        }),
        charge: charge.map(|units| Charge {
            block: 6,
            units,
            unasked: 0,
        }),
        seen,
        ..Work::silent(Uuid::from_u128(1))
    }
}

fn terming(amount: u64, seconds: u64, step: i64) -> Terming {
    let limit = limit(1, Dimension::Requests, amount, Duration::from_secs(seconds));
    Terming {
        amount,
        mode: limit.mode,
        terms: limit.terms(),
        offline: Plan::none(&limit.terms()),
        now: Timestamp::from_micros(HIGH + step),
    }
}

proptest! {
    #[test]
    fn no_grant_passes_n(
        (amount, seconds, live) in (1..10_000_u64, prop::sample::select(vec![1, 60, 86_400_u64]), 1..9_u64),
        (need, more, units) in (1..5_000_u64, 0..5_000_u64, 0..12_000_u64),
        charge in prop::option::of(1..3_000_u64),
        claim in prop::option::of(1..3_000_u64),
        (frozen, seen, incarnation) in (any::<bool>(), (0..6_i64, 30..50_i64), 0..6_i64),
        (step, behind) in (-10_000_000..10_000_000_i64, 0..10_000_000_i64),
    ) {
        let seen = Seen { incarnation: seen.0, grant_number: seen.1 };
        let (work, terming) = (work(need, more, charge, seen), terming(amount, seconds, step));
        let mut before = entry(claim, frozen);
        if let Some(claim) = &mut before.claim {
            claim.until = terming.now.after(terming.terms.validity / 2);
        }
        let loss = Loss { incarnation, replicas: 2, periods: 1 };
        let asker = Asker { boot_id: ME, live, loss, losable: Losable::default() };
        let mut page = Page::new(&work, before, Some(terming));
        let believed = Believed::exactly(Timestamp::from_micros(HIGH - behind));
        let anew: u64 = page.turn(&asker, believed, || OTHER).iter().map(|block| block.units).sum();
        let granted = page.decide(&asker, Charged { units, ..Charged::NONE });
        let after = page.entry;
        prop_assert!(after.clocks.high >= before.clocks.high && after.clocks.low >= before.clocks.low);
        prop_assert!(after.grant_number >= before.grant_number.max(seen.grant_number));
        prop_assert!(after.last() >= seen.max(before.last()));
        let free = amount.saturating_sub(units).saturating_sub(anew);
        let Some(granted) = granted else {
            // It is left room for, unless another is.
            prop_assert!(after.claim.is_some());
            prop_assert!(page.lack().is_some());
            return Ok(());
        };
        prop_assert!(granted.units >= need && granted.units <= need + more);
        prop_assert!(granted.units <= free.saturating_sub(claim.unwrap_or(0)));
        prop_assert!(after.frozen(&terming.terms).is_none());
        prop_assert_eq!(granted.grant_number, after.grant_number);
        prop_assert_eq!(granted.charge_until, after.clocks.high.after(terming.terms.charge_time()));
        prop_assert!(page.lack().is_none());
    }

    /// The time that a refusal tells is the one at which what it lacks is free: then, and not before, the same ask is granted.
    #[test]
    fn a_retry_is_granted_at_the_time_that_was_told_and_not_before(
        amount in 1..1_000_u64,
        need in 1..1_000_u64,
        blocks in prop::collection::vec((1..300_u64, 1..60_000_000_i64), 1..40),
    ) {
        prop_assume!(need <= amount);
        let terming = terming(amount, 60, 0);
        let low = entry(None, false).clocks.low;
        let rows: Vec<_> = blocks.iter().map(|(units, at)| (low.micros() + at, *units)).collect();
        let charged = |at: i64| rows.iter().filter(|(end, _)| *end > at).map(|(_, units)| units).sum::<u64>();
        let asker = Asker { boot_id: ME, live: 1, loss: Loss { incarnation: 3, replicas: 1, periods: 1 }, losable: Losable::default() };
        let work = work(need, 0, None, Seen::NONE);
        let asked = |at: i64| {
            let now = Timestamp::from_micros(at);
            let mut before = entry(None, false);
            before.clocks = Clocks { high: before.clocks.high, low: now };
            let mut page = Page::new(&work, before, Some(terming));
            let granted = page.decide(&asker, Charged { units: charged(at), ..Charged::NONE });
            (granted, page)
        };
        let (granted, page) = asked(low.micros());
        if granted.is_some() {
            return Ok(());
        }
        // As the store sums them up.
        let lacking = page.lack().unwrap().units;
        let mut ends = rows.clone();
        ends.sort_unstable();
        let mut ended = 0;
        let free = ends.iter().find_map(|(at, units)| {
            ended += units;
            (ended >= lacking).then_some(*at)
        });
        let now = BootTime::from_nanos(1_000_000_000);
        let free = free.map(Timestamp::from_micros);
        let answer = page.answer(Free { need: free, largest: free }, now, now).unwrap();
        prop_assert_eq!(answer.largest_clears_at, answer.wait.clears_at);
        let told = low.micros() + i64::try_from(answer.wait.clears_at.since(now).as_micros()).unwrap();
        prop_assert!(asked(told).0.is_some());
        // Nobody is told to come back sooner than within some milliseconds; and the lower clock may come behind by its lead.
        let lead = terming.terms.lead();
        if answer.wait.clears_at.since(now) > Duration::from_millis(5) + lead {
            let lead = i64::try_from(lead.as_micros()).unwrap();
            prop_assert!(asked(told - lead - 1).0.is_none());
        }
    }
}

#[test]
fn what_is_charged_at_a_time_cannot_add_up_to_more_than_a_column_holds() {
    let asker = Asker {
        boot_id: ME,
        live: 1,
        loss: Loss::default(),
        losable: Losable::default(),
    };
    let work = work(u64::MAX / 2, 0, Some(u64::MAX), Seen::NONE);
    let charged = |mode: Mode| {
        let terming = Terming {
            mode,
            ..terming(100, 60, 0)
        };
        let mut page = Page::new(&work, entry(None, false), Some(terming));
        let mut blocks = page.turn(
            &asker,
            Believed::exactly(Timestamp::from_micros(HIGH)),
            Uuid::nil,
        );
        blocks.extend(page.decide(&asker, Charged::NONE));
        blocks.iter().map(|block| block.units).collect::<Vec<_>>()
    };
    assert_eq!(charged(Mode::Enforce), [100]);
    assert_eq!(charged(Mode::Shadow), [AMOUNT_MAX, AMOUNT_MAX]);
}

/// Nothing that is charged has to end: the claim does, in a moment.
#[test]
fn where_only_a_claim_is_in_the_way_its_end_is_what_is_told() {
    let terming = terming(30_000, 60, 0);
    let mut before = entry(Some(8_000), false);
    let left = Duration::from_millis(200);
    if let Some(claim) = &mut before.claim {
        claim.until = terming.now.after(left);
    }
    let asker = Asker {
        boot_id: ME,
        live: 2,
        loss: Loss {
            incarnation: 3,
            replicas: 1,
            periods: 1,
        },
        losable: Losable::default(),
    };
    let (sent, now) = (BootTime::default(), BootTime::default());
    let far = Some(before.clocks.low.after(Duration::from_secs(40)));
    let free = Free {
        need: far,
        largest: far,
    };
    for (charged, is_soon) in [(16_000, true), (25_000, false)] {
        let work = work(7_000, 0, None, Seen::NONE);
        let mut page = Page::new(&work, before, Some(terming));
        let charged = Charged {
            units: charged,
            ..Charged::NONE
        };
        assert_eq!(page.decide(&asker, charged), None);
        let wait = page.answer(free, sent, now).unwrap().wait;
        let soon = now.after(left + terming.terms.lead());
        assert_eq!(wait.clears_at <= soon, is_soon, "{wait:?}");
    }
}
