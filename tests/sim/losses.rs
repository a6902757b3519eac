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

/// Every replica knows of another grant that is gone. By their heartbeats they may have lost a minute.
fn remembered() -> Setup {
    let lacks = Duration::from_secs(3);
    Setup {
        script: vec![(
            Duration::from_secs(20),
            Act::FailOver(lacks, Replicas::Live),
        )],
        ..forgotten()
    }
}

#[test]
fn what_several_replicas_know_to_be_forgotten_is_charged_once() {
    let runs = holds("what_several_replicas_know_to_be_forgotten", &remembered());
    for (seed, verdict) in runs {
        let worst = verdict.worst;
        assert!(worst > 0.6, "seed {seed}: only {worst} of it was used");
    }
}

#[test]
fn bug_loss_answered_by_each() {
    let setup = Setup {
        bug: Some(Bug::LossAnsweredByEach),
        ..remembered()
    };
    for (seed, verdict) in holds("bug_loss_answered_by_each", &setup) {
        let worst = verdict.worst;
        assert!(worst < 0.5, "seed {seed}: the bug was not seen: {worst}");
    }
}
