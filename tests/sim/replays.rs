//! Calls that are sent again with their request id, since an answer was late, lost or forgotten.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::everything;
use crate::setup::{Act, Faults, Odd, Setup, Spec, concurrency, requests};
use crate::{caught, holds};

/// Now and then most answers are lost; what is given again is used at the last moment. All of the rest is used.
fn named() -> Setup {
    Setup {
        runs: 5,
        length: Duration::from_secs(200),
        limits: vec![Spec {
            validity: Some(Duration::from_millis(100)),
            start_within: Some(Duration::from_secs(4)),
            ..requests(100, 10)
        }],
        demand: 20.0,
        max_wait: Duration::from_millis(200),
        is_bursty: false,
        think_max: Duration::from_millis(20),
        latency: Duration::from_millis(10),
        named: 1.0,
        patience: Duration::from_secs(3),
        silent: 0.0,
        unanswered: 0.0,
        not_sent: 0.0,
        script: odd(Odd::Lost),
        script_every: Duration::from_secs(40),
        ..Setup::default()
    }
}

/// Now and then, callers soon ask again for what they have just said not to use.
fn forgetful() -> Setup {
    Setup {
        max_wait: Duration::ZERO,
        patience: Duration::from_millis(300),
        script: odd(Odd::Forgetful),
        ..named()
    }
}

fn odd(odd: Odd) -> Vec<(Duration, Act)> {
    let lasts = Duration::from_secs(10);
    vec![(Duration::from_secs(20), Act::Odd(odd, lasts))]
}

#[test]
fn calls_are_sent_again() {
    holds("calls_are_sent_again", &named());
}

#[test]
fn calls_are_sent_again_that_were_answered() {
    holds("calls_are_sent_again_that_were_answered", &forgetful());
}

#[test]
fn calls_are_sent_again_while_everything_fails() {
    let setup = Setup {
        uses_max: 3,
        faults: Faults {
            drain: 0.005,
            lost_lease: 0.3,
            ..everything()
        },
        ..named()
    };
    holds("calls_are_sent_again_while_everything_fails", &setup);
}

/// Callers say of some uses of a batch not to use them, and then use them last.
#[test]
fn batches_are_sent_for_again() {
    let setup = Setup {
        in_parts: true,
        uses_max: 6,
        script_every: Duration::from_secs(10),
        ..forgetful()
    };
    holds("batches_are_sent_for_again", &setup);
}

#[test]
fn calls_for_permits_that_are_held_are_sent_again() {
    let setup = Setup {
        limits: vec![concurrency(20, 12)],
        demand: 8.0,
        think_max: Duration::from_millis(800),
        lease_duration: Duration::from_secs(8),
        hold_max: Duration::from_secs(12),
        faults: Faults {
            lost_lease: 0.3,
            ..everything()
        },
        ..forgetful()
    };
    holds("calls_for_permits_that_are_held_are_sent_again", &setup);
}

fn bug(name: &str, bug: Bug, setup: Setup) {
    let bug = Some(bug);
    caught(name, &Setup { bug, ..setup });
}

#[test]
fn bug_fresh_replay() {
    bug("bug_fresh_replay", Bug::FreshReplay, named());
}

#[test]
fn bug_end_by_first_call() {
    let setup = Setup {
        length: Duration::from_secs(500),
        ..named()
    };
    bug("bug_end_by_first_call", Bug::EndByFirstCall, setup);
}

#[test]
fn bug_unsent_believed() {
    bug("bug_unsent_believed", Bug::UnsentBelieved, forgetful());
}

/// Most of what callers said not to use is given to them again, and goes on for long, by another replica mostly.
#[test]
fn bug_doubt_forgotten() {
    let setup = Setup {
        length: Duration::from_secs(600),
        limits: vec![concurrency(20, 12)],
        demand: 12.0,
        lease_duration: Duration::from_secs(4),
        hold_max: Duration::from_secs(12),
        script_every: Duration::from_secs(10),
        ..forgetful()
    };
    bug("bug_doubt_forgotten", Bug::DoubtForgotten, setup);
}

#[test]
fn bug_replay_forgotten() {
    bug("bug_replay_forgotten", Bug::ReplayForgotten, forgetful());
}
