//! Budgets of the key itself.

use super::*;

#[test]
fn a_key_whose_budget_is_not_spent_after_all_has_not_recovered_from_anything() {
    let alleged = Cause {
        accuser: Some(Uuid::from_u128(1)),
        ..cause(at(0), Duration::from_hours(1), "why", FailureClass::Quota)
    };
    let mut vitals = Vitals::default();
    on(&mut vitals, Event::Cools(&alleged), 0);
    assert!(vitals.unspent(at(60)));
    assert_eq!(
        (vitals.health(at(60)), vitals.recovered()),
        (Health::Active, None)
    );
    assert!(!vitals.unspent(at(61)));
}

#[test]
fn a_spent_budget_cools_until_the_later_end_and_puts_the_canary_of_a_dead_version_off() {
    let until = |seconds| {
        cause(
            at(0),
            Duration::from_secs(seconds),
            "why",
            FailureClass::Quota,
        )
    };
    let mut vitals = Vitals::default();
    assert!(on(&mut vitals, Event::Cools(&until(60)), 0).is_some());
    assert_eq!(on(&mut vitals, Event::Cools(&until(30)), 1), None);
    assert!(on(&mut vitals, Event::Cools(&until(90)), 1).is_some());
    assert_eq!(vitals.admission(at(89)), Admission::Cooling(at(90)));
    on(&mut vitals, REJECTED, 2);
    assert_eq!(on(&mut vitals, Event::Cools(&until(86_402)), 3), None);
    let budget = until(9 * 86_400);
    let news = on(&mut vitals, Event::Cools(&budget), 3);
    assert_eq!(news, Some(Health::Cooling(budget.clone())));
    assert_eq!(on(&mut vitals, Event::Cools(&budget), 4), None);
    let dead = vitals.health(at(4));
    let cause = dead.cause().unwrap();
    assert_eq!(cause.why, "why, and then why");
    assert_eq!(cause.class, FailureClass::Credential);
    assert_eq!(vitals.admission(at(86_402)), Admission::Dead(budget.until));
    assert_eq!(vitals.admission(budget.until), Admission::Due);
}
