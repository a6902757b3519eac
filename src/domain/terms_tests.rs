//! Until when units are charged, by the span of their limit.

use proptest::prelude::*;

use super::*;
use crate::domain::calendar::Zone;

const SECOND: Duration = Duration::from_secs(1);
/// Midnight in UTC.
const MIDNIGHT: Timestamp = Timestamp::from_micros(1_700_006_400_000_000);
const DAY: Duration = Duration::from_hours(24);

fn terms(span: Span) -> Terms {
    let timing = Timing {
        span,
        validity: None,
        start_within: None,
        blackout: None,
    };
    timing.terms()
}

fn daily() -> Terms {
    terms(Span::Calendar(Calendar {
        period: Period::Day,
        zone: Zone::parse("zone", "UTC").unwrap(),
    }))
}

#[test]
fn a_unit_of_a_day_is_charged_to_its_end_and_the_offset_of_clocks() {
    let terms = daily();
    let end = MIDNIGHT.after(CLOCK_OFFSET_MAX);
    let noon = MIDNIGHT.before(DAY / 2);
    assert_eq!(terms.charge_until(noon), end);
    assert_eq!(terms.charge_until_after(noon), end);
    assert_eq!(terms.charge_until(MIDNIGHT), end.after(DAY));
}

#[test]
fn a_unit_near_a_boundary_is_charged_to_both_days() {
    let terms = daily();
    let late = terms.validity + terms.start_within + terms.epsilon() + CLOCK_OFFSET_MAX;
    let tick = Duration::from_micros(1);
    let both = MIDNIGHT.after(DAY + CLOCK_OFFSET_MAX);
    assert_eq!(terms.charge_until(MIDNIGHT.before(late)), both);
    assert_eq!(
        terms.charge_until(MIDNIGHT.before(late + tick)),
        MIDNIGHT.after(CLOCK_OFFSET_MAX)
    );
    // What is known to have started well before it counts for that day alone.
    let start = MIDNIGHT.before(CLOCK_OFFSET_MAX + terms.epsilon() + tick);
    assert_eq!(
        terms.charge_until_after(start),
        MIDNIGHT.after(CLOCK_OFFSET_MAX)
    );
    assert_eq!(terms.charge_until_after(start.after(tick)), both);
}

#[test]
fn what_is_held_is_charged_for_the_longest_lease_and_calendars_are_paced() {
    let held = terms(Span::Held(Duration::from_mins(10)));
    let last = MIDNIGHT.after(held.validity);
    let least = held.charge_until_held(last, Duration::from_mins(10));
    assert!(held.charge_until(MIDNIGHT) >= least);
    assert!(!held.is_long());
    assert!(daily().is_long());
    assert!(!terms(Span::Rolling(SECOND * 60)).is_long());
}

#[test]
fn a_charge_lasts_longer_by_how_long_a_machine_may_stand_still() {
    let blackout = SECOND * 3;
    let standing = |terms: Terms| Terms { blackout, ..terms };
    let minute = SECOND * 60;
    for span in [Span::Rolling(minute), Span::Held(minute)] {
        let (usual, longer) = (terms(span), standing(terms(span)));
        assert_eq!(longer.charge_time(), usual.charge_time() + blackout);
        let end = usual.charge_until(MIDNIGHT).after(blackout);
        assert_eq!(longer.charge_until(MIDNIGHT), end);
        assert_eq!(longer.hold(minute), usual.hold(minute) + blackout);
    }
    // What was safe from the next day by less than that is not.
    let usual = daily();
    let late = usual.validity + usual.start_within + usual.epsilon() + CLOCK_OFFSET_MAX;
    let before = |early| MIDNIGHT.before(late + early);
    let (one, both) = (
        MIDNIGHT.after(CLOCK_OFFSET_MAX),
        MIDNIGHT.after(DAY + CLOCK_OFFSET_MAX),
    );
    assert_eq!(usual.charge_until(before(blackout)), one);
    assert_eq!(standing(usual).charge_until(before(blackout)), both);
    let tick = Duration::from_micros(1);
    assert_eq!(standing(daily()).charge_until(before(blackout + tick)), one);
}

fn spans() -> impl Strategy<Value = Span> {
    let zones = prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kathmandu"]);
    let periods = prop::sample::select(vec![Period::Day, Period::Month]);
    prop_oneof![
        (1..2_592_000_u64).prop_map(|s| Span::Rolling(SECOND * u32::try_from(s).unwrap())),
        (1..3_600_u32).prop_map(|s| Span::Held(SECOND * s)),
        (periods, zones).prop_map(|(period, zone)| Span::Calendar(Calendar {
            period,
            zone: Zone::parse("zone", zone).unwrap(),
        })),
    ]
}

proptest! {
    /// Whenever a unit is used within D + L, and however it is settled then, no clock within the bound sees it free too soon.
    #[test]
    fn charges_outlast_what_they_are_for(span in spans(), at in 0..3_000_000_000_i64, used in 0.0..1.0_f64) {
        let terms = terms(span);
        let high = Timestamp::from_micros(at * 1_000_000);
        let reserved = terms.charge_until(high);
        prop_assert!(reserved >= high.after(terms.validity + terms.start_within) || span.is_held());
        prop_assert!(reserved <= high.after(terms.charge_time()));
        let start = high.after((terms.validity + terms.start_within).mul_f64(used));
        if !span.is_held() {
            let settled = terms.charge_until_after(start);
            prop_assert!(settled <= reserved);
            prop_assert!(settled > start);
        }
        if let Span::Calendar(calendar) = span {
            for seen in [start.before(CLOCK_OFFSET_MAX), start, start.after(CLOCK_OFFSET_MAX)] {
                let settled = terms.charge_until_after(start);
                prop_assert!(settled >= calendar.end(seen).after(CLOCK_OFFSET_MAX));
            }
        }
    }

    #[test]
    fn later_is_never_charged_for_less(span in spans(), at in 0..3_000_000_000_i64, more in 0..10_000_000_u64) {
        let terms = terms(span);
        let (high, later) = (Timestamp::from_micros(at * 1_000_000), Duration::from_secs(more));
        prop_assert!(terms.charge_until(high) <= terms.charge_until(high.after(later)));
    }
}
