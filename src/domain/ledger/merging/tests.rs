//! Whatever is merged, no less is charged at any time, and few rows are left.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::domain::terms::Timing;

const LIMIT: Uuid = Uuid::from_u128(7);

fn terms(window: Duration) -> Terms {
    let timing = Timing {
        span: Span::Rolling(window),
        validity: None,
        start_within: None,
        blackout: None,
    };
    timing.terms()
}

fn charged(over: u64, unheard: u64) -> Charged {
    Charged {
        rows: over + unheard,
        over,
        unheard,
        ..Charged::NONE
    }
}

/// From now to the end of a charge time, in thousandths.
fn rows(terms: &Terms, low: Timestamp, of: &[(u64, u32)]) -> Vec<Row> {
    let row = |(number, (units, part)): (usize, &(u64, u32))| Row {
        block_id: Uuid::from_u128(number as u128),
        units: *units,
        charge_until: low.after(terms.charge_time() * *part / 1_000),
        grant_number: i64::try_from(number).unwrap(),
    };
    of.iter().enumerate().map(row).collect()
}

/// What is left of rows, as the database has it.
fn after(rows: &[Row], merged: &[Merged]) -> Vec<Row> {
    let gone: HashSet<Uuid> = merged.iter().flat_map(|m| m.of.iter().copied()).collect();
    let left = rows.iter().filter(|row| !gone.contains(&row.block_id));
    let new = merged.iter().map(|merged| Row {
        block_id: merged.into.block_id,
        units: merged.into.units,
        charge_until: merged.into.charge_until,
        grant_number: merged.into.grant_number,
    });
    left.copied().chain(new).collect()
}

fn sum(rows: &[Row], low: Timestamp) -> u64 {
    let charged = rows.iter().filter(|row| row.charge_until > low);
    charged.map(|row| row.units).sum()
}

#[test]
fn few_rows_and_short_windows_are_left_alone() {
    let hour = terms(Duration::from_hours(1));
    let of = |terms: &Terms, charged| Merging::of(LIMIT, terms, charged, Timestamp::from_micros(0));
    assert_eq!(of(&hour, charged(OVER_MAX - 1, UNHEARD_MAX)), None);
    assert!(of(&hour, charged(OVER_MAX, 0)).is_some());
    let minute = terms(Duration::from_mins(1));
    assert_eq!(of(&minute, charged(OVER_MAX_SHORT - 1, UNHEARD_MAX)), None);
    let held = Terms {
        span: Span::Held(Duration::from_mins(1)),
        ..minute
    };
    assert_eq!(of(&held, charged(10_000, 10_000)), None);
    let unheard = of(&hour, charged(0, UNHEARD_MAX + 1)).unwrap();
    assert_eq!((unheard.over, unheard.unheard), (0, UNHEARD_MAX / 8 + 1));
}

/// With a window of fifty minutes, D of a second and many replicas there would be tens of thousands.
#[test]
fn of_a_shorter_window_as_many_are_merged_as_would_make_reserves_slow() {
    let low = Timestamp::from_micros(0);
    let terms = terms(Duration::from_mins(50));
    let many = charged(OVER_MAX_SHORT, 0);
    let merging = Merging::of(LIMIT, &terms, many, low).unwrap();
    let units: Vec<(u64, u32)> = (0..1_000).map(|part| (3, part + 1)).collect();
    let before = rows(&terms, low, &units);
    let merged = merging.merge(&before, Uuid::now_v7);
    let after = after(&before, &merged);
    assert!(after.len() <= SLICES as usize + 2, "{}", after.len());
    assert_eq!(sum(&after, low), sum(&before, low));
}

proptest! {
    #[test]
    fn no_less_is_charged_at_any_time(
        hours in 1..720_u64,
        begin in 0..4_000_000_000_000_000_i64,
        of in prop::collection::vec((0..1_000_u64, 1..1_000_u32), 0..400),
        looks in prop::collection::vec(0..1_100_u32, 20),
    ) {
        let (terms, low) = (terms(Duration::from_hours(hours)), Timestamp::from_micros(begin));
        let before = rows(&terms, low, &of);
        let merging = Merging::of(LIMIT, &terms, charged(OVER_MAX + 400, 0), low).unwrap();
        let merged = merging.merge(&before, Uuid::now_v7);
        let after = after(&before, &merged);
        prop_assert!(after.len() <= SLICES as usize + 2, "{}", after.len());
        prop_assert_eq!(sum(&after, low), sum(&before, low));
        for part in looks {
            let at = low.after(terms.charge_time() * part / 1_000);
            prop_assert!(sum(&after, at) >= sum(&before, at));
            // And no more than a slice later.
            let earlier = at.before(width(&terms));
            prop_assert!(sum(&after, at) <= sum(&before, earlier));
        }
        let newest = |rows: &[Row]| rows.iter().map(|row| row.grant_number).max();
        prop_assert_eq!(newest(&after), newest(&before));
        // What was merged once is not merged again, unless there is more.
        prop_assert_eq!(merging.merge(&after, Uuid::now_v7), vec![]);
    }

    /// What is said to be free at a time is free then, however it is merged meanwhile.
    #[test]
    fn what_is_promised_holds_also_when_it_is_merged(
        of in prop::collection::vec((1..1_000_u64, 1..1_000_u32), 100..300),
        lacking in 1..1_000_u64,
    ) {
        let (terms, low) = (terms(Duration::from_hours(1)), Timestamp::from_micros(1_000_000));
        let before = rows(&terms, low, &of);
        let mut ends: Vec<_> = before.iter().map(|row| (row.charge_until, row.units)).collect();
        ends.sort_unstable();
        let mut ended = 0;
        let free = ends.into_iter().find_map(|(at, units)| {
            ended += units;
            (ended >= lacking).then_some(at)
        });
        let charged = charged(before.len() as u64, 0);
        let promised = free_by(free.unwrap(), &terms, charged);
        let merging = Merging::of(LIMIT, &terms, charged, low).unwrap();
        let merged = merging.merge(&before, Uuid::now_v7);
        let left = sum(&after(&before, &merged), promised);
        prop_assert!(sum(&before, low) - left >= lacking);
    }
}
