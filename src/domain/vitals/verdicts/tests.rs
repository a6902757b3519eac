//! Tests of `verdicts.rs`.

use super::*;
use crate::domain::vitals::Event;

/// A quarantine of a minute, and a day of death.
fn policy(verdicts: VerdictPolicy) -> HealthPolicy {
    HealthPolicy {
        verdicts,
        ..HealthPolicy::default()
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn caller(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

const DAY: i64 = 86_400;

/// Under `CONFIRM`.
struct Patient(Vitals);

impl Patient {
    fn well() -> Self {
        Self(Vitals::default())
    }

    /// Accused by caller 1 at 0.
    fn accused() -> Self {
        let mut patient = Self::well();
        assert!(patient.word(1, 0).is_some());
        patient
    }

    fn on(&mut self, event: Event<'_>, seconds: i64) -> Option<Health> {
        let policy = policy(VerdictPolicy::Confirm);
        self.0.on(event, &policy, "401", at(seconds))
    }

    fn says(&mut self, word: Word, seconds: i64) -> Option<Health> {
        self.on(Event::Rejected(word), seconds)
    }

    fn word(&mut self, by: u128, seconds: i64) -> Option<Health> {
        self.says(said(by), seconds)
    }

    fn canary(&mut self, by: u128, seconds: i64) -> Option<Health> {
        let word = Word {
            is_canary: true,
            ..said(by)
        };
        self.says(word, seconds)
    }

    fn doubtful(&mut self, by: u128, seconds: i64) -> Option<Health> {
        let word = Word {
            is_doubted: true,
            ..said(by)
        };
        self.says(word, seconds)
    }

    /// Until when it is dead, and by whose word alone.
    fn dead(&self) -> (Timestamp, Option<Uuid>) {
        match self.0.health(at(0)) {
            Health::Dead(cause) => (cause.until, cause.accuser),
            other @ (Health::Active | Health::Cooling(_)) => panic!("{other:?}"),
        }
    }

    fn admission(&self, by: u128, seconds: i64) -> Admission {
        let patience = Duration::from_mins(1);
        self.0.admission_of(caller(by), patience, at(seconds))
    }
}

fn said(by: u128) -> Word {
    Word {
        by: caller(by),
        is_canary: false,
        is_doubted: false,
    }
}

#[test]
fn one_callers_word_is_a_quarantine_and_its_second_says_no_more() {
    let mut patient = Patient::accused();
    assert_eq!(patient.dead(), (at(60), Some(caller(1))));
    assert_eq!(patient.word(1, 30), None);
    // Nor once the quarantine is over, about a use of before.
    assert_eq!(patient.word(1, 61), None);
    assert_eq!(patient.dead(), (at(60), Some(caller(1))));
    assert_eq!(patient.admission(2, 59), Admission::Dead(at(60)));
    assert_eq!(patient.admission(2, 60), Admission::Due);
}

#[test]
fn another_callers_word_a_probe_and_the_canary_make_it_death() {
    let mut patient = Patient::accused();
    assert!(patient.word(2, 30).is_some());
    assert_eq!(patient.dead(), (at(30 + DAY), None));
    assert_eq!(patient.word(3, 40), None, "it is dead already");
    let mut patient = Patient::accused();
    assert!(patient.on(Event::Probed { is_well: false }, 10).is_some());
    assert_eq!(patient.dead(), (at(10 + DAY), None));
    for by in [1, 2] {
        let mut patient = Patient::accused();
        assert!(patient.canary(by, 130).is_some());
        assert_eq!(patient.dead(), (at(130 + DAY), None));
    }
}

#[test]
fn where_the_pool_trusts_one_word_is_death() {
    let trust = policy(VerdictPolicy::Trust);
    let mut vitals = Vitals::default();
    vitals.on(Event::Rejected(said(1)), &trust, "401", at(0));
    assert!(matches!(vitals.health(at(0)), Health::Dead(cause)
        if cause.until == at(DAY) && cause.accuser.is_none()));
    // A key in several pools: that of the lease decides, also about what another has quarantined.
    let mut patient = Patient::accused();
    let death = patient
        .0
        .on(Event::Rejected(said(1)), &trust, "401", at(30));
    assert!(death.is_some());
    assert_eq!(patient.dead(), (at(30 + DAY), None));
}

#[test]
fn a_canary_that_succeeds_refutes_the_accusation() {
    let mut patient = Patient::accused();
    assert_eq!(
        patient.on(Event::Success { is_canary: false }, 61),
        None,
        "only the canary decides"
    );
    let well = patient.on(Event::Success { is_canary: true }, 62);
    assert_eq!(well, Some(Health::Active));
    assert_eq!(patient.0.recovered(), Some(at(62)));
    assert_eq!(patient.admission(1, 62), Admission::Normal);
}

#[test]
fn whoever_accused_lets_others_try_first() {
    let patient = Patient::accused();
    assert_eq!(patient.admission(1, 60), Admission::Dead(at(120)));
    assert_eq!(patient.admission(2, 60), Admission::Due);
    // Where nobody else comes, it may be right.
    assert_eq!(patient.admission(1, 120), Admission::Due);
}

#[test]
fn a_doubted_callers_word_takes_a_version_from_itself_alone() {
    let mut patient = Patient::well();
    assert_eq!(patient.doubtful(1, 0), None);
    assert_eq!(patient.admission(1, 59), Admission::Dead(at(60)));
    assert_eq!(patient.admission(1, 60), Admission::Normal);
    assert_eq!(patient.admission(2, 1), Admission::Normal);
    assert_eq!(patient.doubtful(1, 30), None, "its second word is no other");
    // It counts beside another's, though: two callers are two.
    assert!(patient.doubtful(2, 40).is_some());
    assert_eq!(patient.dead(), (at(40 + DAY), None));
}

#[test]
fn a_doubted_callers_canary_is_no_death_by_its_own_word() {
    let mut patient = Patient::accused();
    let word = Word {
        is_canary: true,
        is_doubted: true,
        ..said(1)
    };
    assert!(patient.says(word, 130).is_some());
    assert_eq!(patient.dead(), (at(190), Some(caller(1))));
    // That of another is.
    let word = Word {
        is_canary: true,
        is_doubted: true,
        ..said(2)
    };
    assert!(patient.says(word, 200).is_some());
    assert_eq!(patient.dead(), (at(200 + DAY), None));
}

#[test]
fn what_was_proven_dead_dies_again_by_one_word() {
    let mut patient = Patient::well();
    patient.on(Event::Probed { is_well: false }, 0);
    assert_eq!(patient.word(1, 10), None);
    assert!(patient.canary(1, DAY + 10).is_some());
    assert_eq!(patient.dead(), (at(2 * DAY + 10), None));
}

#[test]
fn a_probe_that_finds_a_dead_version_well_leaves_it_to_one_canary() {
    for mut patient in [Patient::accused(), {
        let mut dead = Patient::well();
        dead.on(Event::Probed { is_well: false }, 0);
        dead
    }] {
        assert!(patient.on(Event::Probed { is_well: true }, 20).is_some());
        assert_eq!(patient.admission(2, 20), Admission::Due);
        assert_eq!(patient.on(Event::Probed { is_well: true }, 21), None);
    }
    assert_eq!(Patient::well().on(Event::Probed { is_well: true }, 0), None);
}

#[test]
fn a_crowd_of_doubted_callers_leaves_a_bounded_memory() {
    let mut patient = Patient::well();
    for second in 0..1_000 {
        let word = patient.doubtful(1, second);
        assert_eq!(word, None);
    }
    assert_eq!(patient.admission(1, 999), Admission::Dead(at(1_059)));
    assert_eq!(patient.admission(1, 1_059), Admission::Normal);
}
