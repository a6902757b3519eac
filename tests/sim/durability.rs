//! What the database has answered outlives its machine, and transactions see all that was committed before they held their locks.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::faults;
use crate::setup::{Act, Faults, Setup, requests};
use crate::{caught, holds};

/// The power fails when all of the limit has just been granted: what a database does that answers before it writes, nobody can tell.
fn power_cut() -> Setup {
    Setup {
        runs: 6,
        length: Duration::from_secs(60),
        limits: vec![requests(100, 10)],
        demand: 100.0,
        silent: 1.0,
        script: vec![(Duration::from_millis(450), Act::PowerCut)],
        script_every: Duration::from_secs(20),
        ..Setup::default()
    }
}

/// Transactions wait for their locks.
fn slow() -> Setup {
    Setup {
        runs: 5,
        limits: vec![requests(100, 10)],
        demand: 60.0,
        faults: Faults {
            slow_database: 0.5,
            // Within D, or their blocks would come too late for anything.
            slow_max: Duration::from_millis(300),
            ..faults()
        },
        ..Setup::default()
    }
}

#[test]
fn the_power_fails() {
    holds("the_power_fails", &power_cut());
}

#[test]
fn bug_asynchronous_commit() {
    let setup = Setup {
        bug: Some(Bug::AsynchronousCommit),
        ..power_cut()
    };
    caught("bug_asynchronous_commit", &setup);
}

#[test]
fn transactions_wait_for_their_locks() {
    holds("transactions_wait_for_their_locks", &slow());
}

#[test]
fn bug_repeatable_read() {
    let setup = Setup {
        bug: Some(Bug::RepeatableRead),
        ..slow()
    };
    caught("bug_repeatable_read", &setup);
}
