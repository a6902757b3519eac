//! Reports of leases whose replica is gone, or only seems to be: settled in its place, once.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::{everything, faults};
use crate::setup::{Act, Faults, Odd, Setup, Spec, concurrency, requests};
use crate::{caught, holds};

/// All of the limit is soon leased, and much of that is said not to be used: twice, here and there, now and late. Meanwhile half of the
/// replicas are stopped for longer than others wait for them.
fn gone() -> Setup {
    Setup {
        runs: 5,
        length: seconds(120),
        limits: vec![requests(600, 60)],
        replicas: 5,
        demand: 20.0,
        is_bursty: false,
        uses_max: 4,
        think_max: Duration::from_millis(100),
        silent: 0.0,
        unanswered: 0.0,
        not_sent: 0.0,
        twice: 0.9,
        late_max: seconds(15),
        elsewhere: 1.0,
        script: vec![
            (seconds(3), Act::Odd(Odd::UnsentLate, seconds(10))),
            (seconds(14), Act::Pause(0, seconds(20))),
            (seconds(14), Act::Pause(1, seconds(20))),
        ],
        script_every: seconds(100),
        ..Setup::default()
    }
}

/// They are stopped in the midst of handing out again what has come back to them.
fn interrupted() -> Setup {
    Setup {
        limits: vec![Spec {
            validity: Some(seconds(10)),
            ..requests(600, 60)
        }],
        runs: 8,
        demand: 60.0,
        elsewhere: 0.5,
        script: vec![
            (seconds(0), Act::Odd(Odd::Unsent, seconds(10))),
            (seconds(8), Act::Pause(0, seconds(20))),
            (seconds(8), Act::Pause(1, seconds(20))),
        ],
        ..gone()
    }
}

/// Permits are held for longer than leases last. While their replicas are stopped, the others settle some leases of a block and let the
/// rest of it go on.
fn renewed() -> Setup {
    Setup {
        runs: 6,
        length: seconds(110),
        limits: vec![concurrency(200, 60)],
        demand: 100.0,
        uses_max: 1,
        lease_duration: seconds(40),
        hold_max: seconds(120),
        script: vec![
            (seconds(14), Act::Pause(0, seconds(30))),
            (seconds(14), Act::Pause(1, seconds(30))),
        ],
        ..gone()
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn leases_of_replicas_that_were_stopped_are_settled() {
    holds("leases_of_replicas_that_were_stopped_are_settled", &gone());
}

#[test]
fn leases_of_blocks_that_were_open_are_settled() {
    holds(
        "leases_of_blocks_that_were_open_are_settled",
        &interrupted(),
    );
}

#[test]
fn leases_are_settled_while_everything_fails() {
    let setup = Setup {
        uses_max: 3,
        named: 0.3,
        in_parts: true,
        faults: Faults {
            drain: 0.01,
            pause_max: seconds(40),
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
        lease_duration: seconds(60),
        hold_max: seconds(20),
        faults: Faults {
            crash: 0.01,
            drain: 0.01,
            lost_reply: 0.05,
            clock: 0.01,
            ..faults()
        },
        ..gone()
    };
    holds("held_permits_of_replicas_that_are_gone_are_settled", &setup);
}

#[test]
fn leases_go_on_whose_block_was_taken_over() {
    holds("leases_go_on_whose_block_was_taken_over", &renewed());
}

#[test]
fn leases_go_on_whose_block_was_taken_over_amid_crashes() {
    let setup = Setup {
        lease_duration: seconds(20),
        faults: Faults {
            crash: 0.01,
            pause: 0.03,
            pause_max: seconds(20),
            slow_database: 0.1,
            lost_reply: 0.05,
            clock: 0.01,
            ..faults()
        },
        ..renewed()
    };
    holds(
        "leases_go_on_whose_block_was_taken_over_amid_crashes",
        &setup,
    );
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
    // Each report comes in several transactions.
    let setup = Setup {
        twice: 0.97,
        late_max: seconds(10),
        ..gone()
    };
    bug("bug_settled_twice", Bug::SettledTwice, setup);
}

#[test]
fn bug_take_over_open() {
    // Of two runs, one sees it, or a little more.
    let setup = Setup {
        runs: 24,
        ..interrupted()
    };
    bug("bug_take_over_open", Bug::TakeOverOpen, setup);
}

#[test]
fn bug_renewed_by_estate() {
    bug("bug_renewed_by_estate", Bug::RenewedByEstate, renewed());
}
