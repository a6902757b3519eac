//! Limits of long windows, whose grants a failover forgets: no limit is frozen for an hour, but what may have been forgotten is charged.

use std::time::Duration;

use crate::bugs::Bug;
use crate::oracle::Verdict;
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
        script: vec![(Duration::from_secs(19), Act::FailOver(LACKS, Replicas::Die))],
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
        // A quarter is charged for what may have been forgotten.
        let worst = verdict.worst;
        assert!(worst > 0.7, "seed {seed}: only {worst} of it was used");
    }
}

#[test]
fn bug_not_paced() {
    let setup = Setup {
        bug: Some(Bug::NotPaced),
        length: Duration::from_secs(200),
        demand: 400.0,
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

/// Three calls take nearly all of an hour's tokens as soon as they may, and nothing as large was granted before. The standby that takes
/// over lacks more than was declared: where the first call came late, it does not even know that anything so large was asked for.
fn large() -> Setup {
    Setup {
        runs: 12,
        length: Duration::from_secs(60),
        limits: vec![tokens(64_000, 3_600)],
        demand: 2.0,
        is_bursty: false,
        large: Some((1.0, 18_000)),
        silent: 0.0,
        not_sent: 0.0,
        script: vec![(
            Duration::from_secs(16),
            Act::FailOver(Duration::from_millis(15_300), Replicas::Live),
        )],
        script_every: Duration::from_secs(1_000),
        ..forgotten()
    }
}

#[test]
fn what_was_large_and_is_forgotten_is_told_by_who_was_granted_it() {
    let runs = holds("large_needs_before_a_failover", &large());
    something_large_was_granted(&runs);
}

/// The same, and nobody lives who was granted it. Or would have been: it is let be granted when the standby would know of it.
fn large_and_all_gone(at: Duration, lacks: Duration, bug: Option<Bug>) -> Setup {
    Setup {
        script: vec![(at, Act::FailOver(lacks, Replicas::Die))],
        bug,
        ..large()
    }
}

/// The standby takes over before anything so large has been known for long.
fn large_and_soon_gone(bug: Option<Bug>) -> Setup {
    let (soon, lacks) = (Duration::from_millis(2_500), Duration::from_millis(2_400));
    large_and_all_gone(soon, lacks, bug)
}

#[test]
fn what_was_large_is_granted_when_a_failover_cannot_lose_all_who_know_of_it() {
    holds("large_needs_at_once", &large_and_soon_gone(None));
    let late = Duration::from_secs(16);
    let setup = large_and_all_gone(late, LACKS, None);
    let runs = holds("large_needs_that_are_known", &setup);
    something_large_was_granted(&runs);
}

fn something_large_was_granted(runs: &[(u64, Verdict)]) {
    for (seed, verdict) in runs {
        let worst = verdict.worst;
        assert!(worst > 0.25, "seed {seed}: only {worst} was granted");
    }
}

#[test]
fn bug_raised_at_once() {
    let setup = large_and_soon_gone(Some(Bug::RaisedAtOnce));
    caught("bug_raised_at_once", &setup);
}

/// None of the replicas that the standby has heard of lives any more when it takes over, and of those since none has lived for long.
fn short_lived() -> Setup {
    let half_seconds = |halves: u64| Duration::from_millis(500 * halves);
    let replaced = (24..41).map(|halves| (half_seconds(halves), Act::Replace));
    let mut script: Vec<_> = replaced.collect();
    script.push((
        Duration::from_millis(20_900),
        Act::FailOver(LACKS, Replicas::Die),
    ));
    Setup {
        runs: 2,
        length: Duration::from_secs(200),
        demand: 400.0,
        script,
        ..forgotten()
    }
}

#[test]
fn replicas_that_nobody_has_heard_of_are_charged_for_as_one() {
    let runs = holds("replicas_that_do_not_live", &short_lived());
    for (seed, verdict) in runs {
        let worst = verdict.worst;
        assert!(worst > 0.65, "seed {seed}: only {worst} of it was used");
    }
}

#[test]
fn bug_newcomers_uncounted() {
    let setup = Setup {
        bug: Some(Bug::NewcomersUncounted),
        ..short_lived()
    };
    caught("bug_newcomers_uncounted", &setup);
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
