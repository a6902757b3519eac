//! The two clocks of rule 4. No charge may end before what it stands for, however the database's clock is set and whatever happens
//! beside: a use at the last moment would be over, though such a use is rare.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::{everything, faults, with};
use crate::setup::{Faults, Setup, requests};
use crate::{holds, runs};

/// Replicas that are stopped, and answers that take long, while the clock is set forth and back: what each knows of it has gaps.
fn gaps() -> Faults {
    Faults {
        pause: 0.1,
        slow_database: 0.3,
        clock: 0.1,
        ..faults()
    }
}

#[test]
fn clocks_that_are_set_in_the_gaps() {
    holds("clocks_that_are_set_in_the_gaps", &with(gaps()));
}

/// The clock is set and set right again: whoever looks once a second need not see it.
fn blinks() -> Faults {
    Faults {
        clock_blink: 0.02,
        ..faults()
    }
}

/// There is room at all times, and every charge lasts to its end.
fn rarely_asked() -> Setup {
    Setup {
        demand: 1.5,
        is_bursty: false,
        silent: 1.0,
        ..with(blinks())
    }
}

#[test]
fn clocks_that_are_set_and_set_right() {
    holds("clocks_that_are_set_and_set_right", &rarely_asked());
}

/// Charge times are changed while blocks of other lengths are out.
fn changes() -> Faults {
    Faults {
        reconfigure: 0.2,
        clock: 0.1,
        crash: 0.02,
        ..faults()
    }
}

#[test]
fn clocks_that_are_set_while_limits_change() {
    holds("clocks_that_are_set_while_limits_change", &with(changes()));
}

#[test]
fn clocks_that_are_set_amid_everything() {
    let faults = Faults {
        clock: 0.1,
        ..everything()
    };
    holds("clocks_that_are_set_amid_everything", &with(faults));
}

/// Many windows, all full.
fn short(faults: Faults) -> Setup {
    Setup {
        limits: vec![requests(100, 10)],
        demand: 40.0,
        runs: 6,
        ..with(faults)
    }
}

/// A planted bug that ends charges too early, in many seeds.
fn ends_early(name: &str, bug: Bug, setup: Setup) {
    let setup = Setup {
        bug: Some(bug),
        ..setup
    };
    let runs = runs(name, &setup);
    let seen = runs.iter().filter(|(_, verdict)| verdict.early > 0).count();
    println!("{name}: the bug was seen in {seen} of {} runs", runs.len());
    assert!(
        seen * 4 > runs.len(),
        "{name}: the bug was seen in {seen} of {} runs",
        runs.len()
    );
}

#[test]
fn bug_seed_at_sending() {
    ends_early("bug_seed_at_sending", Bug::SeedAtSending, short(gaps()));
}

#[test]
fn bug_reach_of_today() {
    ends_early("bug_reach_of_today", Bug::ReachOfToday, short(changes()));
}

#[test]
fn bug_stamp_as_read() {
    let setup = Setup {
        limits: vec![requests(100, 10)],
        demand: 8.0,
        replicas: 8,
        length: Duration::from_secs(1_500),
        runs: 8,
        ..rarely_asked()
    };
    ends_early("bug_stamp_as_read", Bug::StampAsRead, setup);
}
