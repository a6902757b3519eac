//! Tests of `vitals.rs`.

use uuid::Uuid;

use super::*;
use crate::domain::pool::VerdictPolicy;

const POLICY: HealthPolicy = HealthPolicy {
    dead_ttl: None,
    unhealthy_ttl: None,
    failure_threshold: None,
    probe_enabled: false,
    probe_interval: None,
    verdicts: VerdictPolicy::Trust,
    quarantine: None,
    recovery_ramp: None,
    healthy_keys_min: None,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

const WORD: Word = Word {
    by: Uuid::from_u128(1),
    is_canary: false,
    is_doubted: false,
};
const REJECTED: Event<'_> = Event::Rejected(WORD);
/// Others succeed meanwhile.
const UNEXPLAINED: Event<'_> = Event::Unexplained {
    others_succeeded: Some(Timestamp::from_micros(i64::MAX)),
    word: WORD,
};
const SUCCESS: Event<'_> = Event::Success { is_canary: false };
const REFUTED: Event<'_> = Event::Probed { is_well: false };
const CANARY_SUCCESS: Event<'_> = Event::Success { is_canary: true };

fn on(vitals: &mut Vitals, event: Event<'_>, seconds: i64) -> Option<Health> {
    vitals.on(event, &POLICY, "why", at(seconds))
}

#[test]
fn a_rejected_version_is_dead_for_a_day_and_is_said_to_be_so_once() {
    let mut vitals = Vitals::default();
    assert!(matches!(
        on(&mut vitals, REJECTED, 0),
        Some(Health::Dead(_))
    ));
    assert_eq!(on(&mut vitals, REJECTED, 1), None);
    assert_eq!(vitals.admission(at(86_399)), Admission::Dead(at(86_400)));
}

#[test]
fn what_the_provider_itself_says_makes_a_death_last_from_then_on() {
    let mut vitals = Vitals::default();
    on(&mut vitals, REJECTED, 0);
    let news = on(&mut vitals, REFUTED, 3_600);
    assert!(matches!(news, Some(Health::Dead(cause)) if cause.until == at(90_000)));
    let short = HealthPolicy {
        dead_ttl: Some(Duration::from_mins(1)),
        ..POLICY
    };
    assert_eq!(vitals.on(REFUTED, &short, "why", at(3_601)), None);
    assert_eq!(vitals.admission(at(89_999)), Admission::Dead(at(90_000)));
    let well = Event::Probed { is_well: true };
    assert!(on(&mut vitals, well, 4_000).is_some());
    assert_eq!(vitals.admission(at(4_000)), Admission::Due);
    assert_eq!(on(&mut Vitals::default(), well, 1), None);
}

#[test]
fn a_dead_version_comes_back_through_its_canary() {
    let mut vitals = Vitals::default();
    on(&mut vitals, REJECTED, 0);
    assert_eq!(vitals.admission(at(86_400)), Admission::Due);
    assert_eq!(
        on(&mut vitals, CANARY_SUCCESS, 86_410),
        Some(Health::Active)
    );
    assert_eq!(vitals.admission(at(86_411)), Admission::Normal);
}

#[test]
fn a_canary_that_fails_blacklists_again() {
    let mut vitals = Vitals::default();
    on(&mut vitals, REJECTED, 0);
    assert!(on(&mut vitals, REJECTED, 86_410).is_some());
    assert_eq!(vitals.admission(at(86_411)), Admission::Dead(at(172_810)));
}

#[test]
fn a_late_success_does_not_revive_a_dead_version() {
    let mut vitals = Vitals::default();
    on(&mut vitals, REJECTED, 0);
    assert_eq!(on(&mut vitals, CANARY_SUCCESS, 5), None);
    assert_eq!(vitals.admission(at(6)), Admission::Dead(at(86_400)));
    // Nor once its time has passed: only the canary does.
    assert_eq!(on(&mut vitals, SUCCESS, 86_401), None);
    assert_eq!(vitals.admission(at(86_402)), Admission::Due);
}

#[test]
fn five_unexplained_failures_in_a_row_cool_for_half_an_hour() {
    let mut vitals = Vitals::default();
    for second in 0..4 {
        assert_eq!(on(&mut vitals, UNEXPLAINED, second), None);
    }
    assert!(matches!(
        on(&mut vitals, UNEXPLAINED, 4),
        Some(Health::Cooling(_))
    ));
    assert_eq!(vitals.admission(at(5)), Admission::Cooling(at(1_804)));
    assert_eq!(vitals.admission(at(1_804)), Admission::Normal);
}

#[test]
fn what_nobody_can_name_and_all_meet_cools_no_version() {
    let mut vitals = Vitals::default();
    let event = Event::Unexplained {
        others_succeeded: Some(at(-1)),
        word: WORD,
    };
    for second in 0..100 {
        assert_eq!(on(&mut vitals, event, second), None);
    }
}

#[test]
fn a_success_ends_a_streak() {
    let mut vitals = Vitals::default();
    for second in 0..40 {
        let event = if second % 5 == 4 {
            SUCCESS
        } else {
            UNEXPLAINED
        };
        assert_eq!(on(&mut vitals, event, second), None);
    }
}

#[test]
fn a_provider_that_fails_for_everybody_cools_no_version() {
    let mut vitals = Vitals::default();
    let event = Event::ProviderFault {
        others_succeeded: None,
        word: WORD,
    };
    for second in 0..100 {
        assert_eq!(on(&mut vitals, event, second), None);
    }
    let earlier = Event::ProviderFault {
        others_succeeded: Some(at(-1)),
        word: WORD,
    };
    assert_eq!(on(&mut vitals, earlier, 100), None);
}

#[test]
fn a_version_that_fails_while_others_succeed_is_unhealthy() {
    let mut vitals = Vitals::default();
    for second in 0..4 {
        on(
            &mut vitals,
            Event::ProviderFault {
                others_succeeded: Some(at(0)),
                word: WORD,
            },
            second,
        );
    }
    let event = Event::ProviderFault {
        others_succeeded: Some(at(3)),
        word: WORD,
    };
    assert!(matches!(
        on(&mut vitals, event, 4),
        Some(Health::Cooling(_))
    ));
}

#[test]
fn an_outage_that_ends_cools_no_version() {
    let mut vitals = Vitals::default();
    let fault = |others_succeeded| Event::ProviderFault {
        others_succeeded,
        word: WORD,
    };
    for second in 0..100 {
        assert_eq!(on(&mut vitals, fault(None), second), None);
    }
    // Another version is the first to succeed, and one more request of this one was under way.
    let succeeded = Some(at(100));
    assert_eq!(on(&mut vitals, fault(succeeded), 101), None);
    assert_eq!(vitals.health(at(101)), Health::Active);
    // From here on it is alone.
    assert_eq!(on(&mut vitals, fault(succeeded), 102), None);
    assert_eq!(on(&mut vitals, fault(succeeded), 103), None);
    assert!(on(&mut vitals, fault(succeeded), 104).is_some());
}

#[test]
fn not_even_the_hastiest_policy_blames_a_version_for_an_outage() {
    let hasty = HealthPolicy {
        failure_threshold: Some(1),
        ..POLICY
    };
    let mut vitals = Vitals::default();
    for second in 0..3 {
        let event = Event::ProviderFault {
            others_succeeded: None,
            word: WORD,
        };
        assert_eq!(vitals.on(event, &hasty, "why", at(second)), None);
    }
}

#[test]
fn faults_and_what_no_rule_explains_are_counted_apart() {
    let mut vitals = Vitals::default();
    let fault = Event::ProviderFault {
        others_succeeded: Some(at(0)),
        word: WORD,
    };
    for _ in 0..4 {
        assert_eq!(on(&mut vitals, fault, 0), None);
    }
    assert_eq!(on(&mut vitals, UNEXPLAINED, 1), None);
    assert_eq!(vitals.health(at(1)), Health::Active);
    assert_eq!(vitals.streak(), 4);
    assert!(on(&mut vitals, fault, 2).is_some());
}

#[test]
fn being_told_it_is_active_forgets_the_past() {
    let mut vitals = Vitals::default();
    on(&mut vitals, UNEXPLAINED, 0);
    on(&mut vitals, REJECTED, 0);
    on(&mut vitals, Event::Told(&Health::Active), 1);
    assert_eq!(vitals.admission(at(1)), Admission::Normal);
    assert_eq!(vitals.streak(), 0);
}

mod budgets;
