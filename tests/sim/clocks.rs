//! The two clocks of rule 4. No charge may end before what it stands for, however the database's clock is set and whatever happens
//! beside: a use at the last moment would be over, though such a use is rare.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::{everything, faults, with};
use crate::setup::{Faults, Setup, requests};
use crate::{holds, runs, seen};

/// Many windows, all full.
fn short(faults: Faults) -> Setup {
    Setup {
        limits: vec![requests(100, 10)],
        demand: 40.0,
        runs: 6,
        ..with(faults)
    }
}

/// There is room at all times, and every charge lasts to its end.
fn roomy(faults: Faults) -> Setup {
    Setup {
        demand: 8.0,
        replicas: 8,
        is_bursty: false,
        silent: 1.0,
        length: Duration::from_secs(900),
        ..short(faults)
    }
}

/// Replicas that are stopped, and answers that take long, while the clock is set forth and back: what each knows of it has gaps.
fn gaps() -> Setup {
    short(Faults {
        pause: 0.1,
        slow_database: 0.3,
        clock: 0.1,
        ..faults()
    })
}

/// Charge times are changed while blocks of other lengths are out. The clock is mostly set forward: each step back holds up the ends of
/// all charges for a while, and none could come too early.
fn changes() -> Setup {
    short(Faults {
        reconfigure: 0.2,
        clock: 0.05,
        clock_forward: 0.05,
        crash: 0.02,
        ..faults()
    })
}

/// The clock is set forward, between two looks of most replicas.
fn steps() -> Setup {
    roomy(Faults {
        clock_forward: 0.03,
        ..faults()
    })
}

/// The clock is set and set right again: whoever looks once a second need not see it.
fn blinks() -> Setup {
    roomy(Faults {
        clock_blink: 0.02,
        ..faults()
    })
}

#[test]
fn clocks_that_are_set_in_the_gaps() {
    holds("clocks_that_are_set_in_the_gaps", &gaps());
}

#[test]
fn clocks_that_are_set_while_limits_change() {
    holds("clocks_that_are_set_while_limits_change", &changes());
}

#[test]
fn clocks_that_are_set_forward() {
    holds("clocks_that_are_set_forward", &steps());
}

#[test]
fn clocks_that_are_set_and_set_right() {
    holds("clocks_that_are_set_and_set_right", &blinks());
}

#[test]
fn clocks_that_are_set_amid_everything() {
    let faults = Faults {
        clock: 0.1,
        ..everything()
    };
    holds("clocks_that_are_set_amid_everything", &with(faults));
}

/// A planted bug that ends charges too early, in many of the seeds that hold without it.
pub(crate) fn ends_early(name: &str, bug: Bug, setup: Setup) {
    let setup = Setup {
        bug: Some(bug),
        ..setup
    };
    seen(name, &runs(name, &setup), 4, |verdict| verdict.early > 0);
}

#[test]
fn bug_seed_at_sending() {
    ends_early("bug_seed_at_sending", Bug::SeedAtSending, gaps());
}

#[test]
fn bug_reach_of_today() {
    ends_early("bug_reach_of_today", Bug::ReachOfToday, changes());
}

#[test]
fn bug_reach_of_charge() {
    ends_early("bug_reach_of_charge", Bug::ReachOfCharge, steps());
}

#[test]
fn bug_stamp_as_read() {
    // A rare sight.
    let setup = Setup {
        runs: 18,
        ..blinks()
    };
    ends_early("bug_stamp_as_read", Bug::StampAsRead, setup);
}
