//! Calls that are sent again with their request id, since an answer was late, lost or forgotten.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::{everything, faults};
use crate::setup::{Faults, Setup, Spec, concurrency, requests};
use crate::{caught, holds};

/// Many answers are lost, and what is leased is used at the last moment.
fn named() -> Setup {
    Setup {
        runs: 6,
        length: Duration::from_secs(200),
        limits: vec![Spec {
            start_within: Some(Duration::from_secs(4)),
            ..requests(100, 10)
        }],
        demand: 30.0,
        is_bursty: false,
        think_max: Duration::from_millis(3_900),
        named: 0.8,
        patience: Duration::from_secs(3),
        forsaken: 0.1,
        faults: Faults {
            lost_lease: 0.3,
            slow_lease: 0.1,
            ..faults()
        },
        ..Setup::default()
    }
}

/// Callers soon ask again for what they have just said not to use.
fn forgetful() -> Setup {
    Setup {
        patience: Duration::from_millis(300),
        forsaken: 0.5,
        ..named()
    }
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
    bug("bug_end_by_first_call", Bug::EndByFirstCall, named());
}

#[test]
fn bug_replay_forgotten() {
    bug("bug_replay_forgotten", Bug::ReplayForgotten, forgetful());
}
