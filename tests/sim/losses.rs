//! Limits of long windows, whose grants a failover forgets: no limit is frozen for an hour, but what may have been forgotten is charged.

use std::time::Duration;

use crate::bugs::Bug;
use crate::setup::{Act, Replicas, Setup, Spec, requests, tokens};
use crate::{caught, holds};

/// An hour's limit that is wanted at once: of 6,400, four replicas are granted 400 in ten seconds. Nearly as much is forgotten, and nobody
/// lives who knows of it.
fn forgotten() -> Setup {
    Setup {
        runs: 3,
        length: Duration::from_secs(300),
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

/// Three of the first calls take nearly all of an hour's tokens, and nothing as large was granted before: none of it is left when the
/// standby takes over.
fn large() -> Setup {
    Setup {
        runs: 6,
        length: Duration::from_secs(60),
        limits: vec![tokens(64_000, 3_600)],
        demand: 3.0,
        is_bursty: false,
        large: Some((1.0, 20_000)),
        silent: 0.0,
        not_sent: 0.0,
        script: vec![(
            Duration::from_millis(2_500),
            Act::FailOver(Duration::from_millis(2_400), Replicas::Live),
        )],
        script_every: Duration::from_secs(1_000),
        ..forgotten()
    }
}

#[test]
fn what_was_large_and_is_forgotten_is_told_by_who_was_granted_it() {
    holds("large_needs_before_a_failover", &large());
}

#[test]
fn bug_silent_sweep() {
    let setup = Setup {
        bug: Some(Bug::SilentSweep),
        ..large()
    };
    caught("bug_silent_sweep", &setup);
}

/// L has just become long when the standby takes over, which knows of neither that nor of what was granted since.
fn of_other_terms() -> Setup {
    let (short, long) = (Duration::from_millis(500), Duration::from_secs(9));
    Setup {
        runs: 6,
        length: Duration::from_secs(60),
        limits: vec![Spec {
            start_within: Some(short),
            ..requests(100, 10)
        }],
        demand: 60.0,
        is_bursty: false,
        starts_last: true,
        silent: 0.0,
        script: vec![
            (Duration::from_secs(20), Act::Terms(short, long)),
            (
                Duration::from_secs(23),
                Act::FailOver(Duration::from_millis(3_500), Replicas::Live),
            ),
        ],
        script_every: Duration::from_secs(1_000),
        ..Setup::default()
    }
}

#[test]
fn what_was_granted_by_forgotten_terms_is_told_by_who_was_granted_it() {
    holds("forgotten_terms", &of_other_terms());
}

#[test]
fn bug_silent_sweep_of_terms() {
    let setup = Setup {
        bug: Some(Bug::SilentSweep),
        ..of_other_terms()
    };
    caught("bug_silent_sweep_of_terms", &setup);
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
