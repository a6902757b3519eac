//! Reports of leases whose replica is gone, or only seems to be: settled in its place, once.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::{everything, faults};
use crate::setup::{Faults, Setup, Spec, concurrency, requests};
use crate::{caught, holds};

/// Replicas are stopped for longer than others wait for them. Many leases are not used, and said so twice: here and there, now and late.
fn gone() -> Setup {
    Setup {
        runs: 6,
        limits: vec![requests(200, 60)],
        demand: 12.0,
        is_bursty: false,
        not_sent: 0.3,
        twice: 0.7,
        late_max: Duration::from_secs(20),
        elsewhere: 0.6,
        faults: Faults {
            pause: 0.02,
            pause_max: Duration::from_secs(40),
            ..faults()
        },
        ..Setup::default()
    }
}

/// They are killed in the midst of handing out.
fn killed() -> Setup {
    Setup {
        limits: vec![Spec {
            validity: Some(Duration::from_secs(3)),
            ..requests(200, 60)
        }],
        faults: Faults {
            crash: 0.02,
            ..faults()
        },
        ..gone()
    }
}

#[test]
fn leases_of_replicas_that_were_stopped_are_settled() {
    holds("leases_of_replicas_that_were_stopped_are_settled", &gone());
}

#[test]
fn leases_of_replicas_that_were_killed_are_settled() {
    holds("leases_of_replicas_that_were_killed_are_settled", &killed());
}

#[test]
fn leases_are_settled_while_everything_fails() {
    let setup = Setup {
        uses_max: 3,
        named: 0.3,
        in_parts: true,
        faults: Faults {
            drain: 0.01,
            pause_max: Duration::from_secs(40),
            lost_lease: 0.1,
            ..everything()
        },
        ..gone()
    };
    holds("leases_are_settled_while_everything_fails", &setup);
}

#[test]
fn held_permits_of_replicas_that_are_gone_are_settled() {
    let setup = Setup {
        limits: vec![concurrency(40, 60)],
        lease_duration: Duration::from_secs(60),
        hold_max: Duration::from_secs(20),
        faults: Faults {
            crash: 0.01,
            drain: 0.01,
            lost_reply: 0.05,
            clock: 0.01,
            ..gone().faults
        },
        ..gone()
    };
    holds("held_permits_of_replicas_that_are_gone_are_settled", &setup);
}

fn bug(name: &str, bug: Bug, setup: Setup) {
    let bug = Some(bug);
    caught(name, &Setup { bug, ..setup });
}

#[test]
fn bug_return_twice() {
    bug("bug_return_twice", Bug::ReturnTwice, gone());
}

#[test]
fn bug_take_over_counted() {
    bug("bug_take_over_counted", Bug::TakeOverCounted, gone());
}

#[test]
fn bug_settled_twice() {
    bug("bug_settled_twice", Bug::SettledTwice, gone());
}

#[test]
fn bug_take_over_open() {
    bug("bug_take_over_open", Bug::TakeOverOpen, killed());
}
