//! D and L that change under load: what is out goes by what was granted, whatever a replica takes the limit for.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::{everything, faults};
use crate::setup::{Act, Faults, Setup, Spec, requests};
use crate::{caught, holds};

/// L is long and short in turn, while all of the limit is wanted, and used at the last moment. Replicas hear of it within a second: the
/// first time, when they have been granted all of it.
fn changed() -> Setup {
    let (long, short) = (Duration::from_secs(4), Duration::from_millis(200));
    Setup {
        runs: 5,
        length: Duration::from_secs(120),
        limits: vec![Spec {
            start_within: Some(long),
            ..requests(100, 10)
        }],
        demand: 60.0,
        starts_last: true,
        script: vec![
            (Duration::from_millis(5), Act::Terms(short, short)),
            (Duration::from_secs(15), Act::Terms(short, long)),
        ],
        script_every: Duration::from_secs(30),
        ..Setup::default()
    }
}

#[test]
fn terms_are_changed_under_load() {
    holds("terms_are_changed_under_load", &changed());
}

#[test]
fn bug_terms_of_today() {
    let setup = Setup {
        bug: Some(Bug::TermsOfToday),
        ..changed()
    };
    caught("bug_terms_of_today", &setup);
}

/// W is short, with a long L, and long, with a short one, in turn, while all of the limit is wanted and used at the last moment.
fn respanned(faults: Faults) -> Setup {
    let (short, long) = (Duration::from_secs(10), Duration::from_secs(30));
    let (soon, late) = (Duration::from_millis(200), Duration::from_secs(5));
    Setup {
        runs: 5,
        length: Duration::from_secs(170),
        limits: vec![Spec {
            start_within: Some(late),
            ..requests(100, 10)
        }],
        demand: 60.0,
        starts_last: true,
        script: vec![
            (Duration::from_secs(20), Act::Span(long, soon, soon)),
            (Duration::from_secs(70), Act::Span(short, soon, late)),
        ],
        script_every: Duration::from_secs(80),
        faults,
        ..Setup::default()
    }
}

#[test]
fn windows_are_changed_under_load() {
    holds("windows_are_changed_under_load", &respanned(faults()));
}

#[test]
fn windows_are_changed_amid_crashes_and_pauses() {
    let faults = Faults {
        crash: 0.02,
        pause: 0.05,
        slow_database: 0.1,
        lost_reply: 0.05,
        clock: 0.01,
        ..faults()
    };
    holds(
        "windows_are_changed_amid_crashes_and_pauses",
        &respanned(faults),
    );
}

#[test]
fn bug_span_by_terms_of_today() {
    let setup = Setup {
        bug: Some(Bug::SpanByTermsOfToday),
        ..respanned(faults())
    };
    caught("bug_span_by_terms_of_today", &setup);
}

/// N is large and small in turn, while all of it is wanted.
fn resized(faults: Faults) -> Setup {
    Setup {
        runs: 5,
        length: Duration::from_secs(235),
        limits: vec![requests(100, 10)],
        demand: 60.0,
        is_bursty: false,
        silent: 0.0,
        script: vec![
            (Duration::from_secs(30), Act::Amount(30)),
            (Duration::from_secs(60), Act::Amount(100)),
        ],
        script_every: Duration::from_secs(60),
        faults,
        ..Setup::default()
    }
}

#[test]
fn amounts_are_changed_under_load() {
    let runs = holds("amounts_are_changed_under_load", &resized(faults()));
    for (seed, verdict) in runs {
        // It is 100 for half of the time, and 30 at the end, which the share is of. What is raised is used at once.
        let used = verdict.share * 30.0;
        assert!(used > 50.0, "seed {seed}: only {used} a window");
    }
}

#[test]
fn amounts_are_changed_amid_everything() {
    // A database that is set back forgets the change as well, and then the limit is what it was.
    let faults = Faults {
        failover: 0.0,
        restore: 0.0,
        set_back: 0.0,
        ..everything()
    };
    holds("amounts_are_changed_amid_everything", &resized(faults));
}
