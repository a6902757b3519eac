//! Limits of long windows, whose grants a failover forgets: no limit is frozen for an hour, but what may have been forgotten is charged.

use std::time::Duration;

use crate::bugs::Bug;
use crate::setup::{Act, Replicas, Setup, requests};
use crate::{caught, holds};

/// An hour's limit that is wanted at once: of 6,400, four replicas are granted 400 in ten seconds. Nearly as much is forgotten, and nobody
/// lives who knows of it.
fn forgotten() -> Setup {
    Setup {
        runs: 3,
        length: Duration::from_secs(220),
        limits: vec![requests(6_400, 3_600)],
        demand: 160.0,
        is_bursty: false,
        max_wait: Duration::from_secs(1),
        script: vec![(Duration::from_secs(20), Act::FailOver(LACKS, Replicas::Die))],
        script_every: Duration::from_secs(1_000),
        ..Setup::default()
    }
}

/// Less than operators declare.
const LACKS: Duration = Duration::from_secs(9);

#[test]
fn what_may_be_forgotten_of_an_hour_is_charged_and_the_hour_goes_on() {
    let runs = holds("hours_around_failovers", &forgotten());
    for (seed, verdict) in runs {
        // An eighth is charged for what was forgotten.
        let worst = verdict.worst;
        assert!(worst > 0.75, "seed {seed}: only {worst} of it was used");
    }
}

#[test]
fn bug_not_paced() {
    let setup = Setup {
        bug: Some(Bug::NotPaced),
        ..forgotten()
    };
    caught("bug_not_paced", &setup);
}

#[test]
fn bug_no_freeze_of_an_hour() {
    let setup = Setup {
        bug: Some(Bug::NoFreeze),
        ..forgotten()
    };
    caught("bug_no_freeze_of_an_hour", &setup);
}

/// Every replica knows of another grant that is gone: those of the third ten seconds, which all are granted at their beginning.
fn remembered() -> Setup {
    let lacks = Duration::from_secs(3);
    Setup {
        script: vec![(
            Duration::from_secs(22),
            Act::FailOver(lacks, Replicas::Live),
        )],
        ..forgotten()
    }
}

#[test]
fn what_several_replicas_know_to_be_forgotten_is_charged_once() {
    let mean = |name, bug| {
        let setup = Setup {
            bug,
            ..remembered()
        };
        let runs = holds(name, &setup);
        let used: f64 = runs.iter().map(|(_, verdict)| verdict.worst).sum();
        used / runs.len() as f64
    };
    let once = mean("what_is_known_to_be_forgotten", None);
    assert!(once > 0.7, "only {once} of it was used");
    let by_each = mean("bug_loss_answered_by_each", Some(Bug::LossAnsweredByEach));
    assert!(by_each < once - 0.15, "the bug was not seen: {by_each}");
}
