//! Limits of what is held that are deleted and created anew, while leases are out that only the one before counts.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::faults;
use crate::setup::{Act, Faults, Setup};
use crate::spans::{everything, held_on, share};
use crate::{caught, holds};

/// Uses that go on for many leases: those that were leased before are out for as long as their callers know by then, and no longer.
fn renewed_beside(faults: Faults) -> Setup {
    Setup {
        length: Duration::from_secs(180),
        demand: 6.0,
        script: vec![(Duration::from_secs(25), Act::Anew)],
        script_every: Duration::from_secs(50),
        faults,
        ..held_on()
    }
}

#[test]
fn a_limit_that_is_new_binds_when_what_was_leased_before_has_ended() {
    let name = "a_limit_that_is_new_binds";
    let runs = holds(name, &renewed_beside(faults()));
    assert!(share(&runs) > 0.8, "only {} was held", share(&runs));
}

#[test]
fn a_limit_that_is_new_binds_while_everything_fails() {
    let faults = Faults {
        cut_off: 0.05,
        cut_off_max: Duration::from_secs(8),
        ..everything()
    };
    let name = "a_limit_that_is_new_binds_while_everything_fails";
    holds(name, &renewed_beside(faults));
}

#[test]
fn bug_renewed_uncounted() {
    let setup = Setup {
        bug: Some(Bug::RenewedUncounted),
        ..renewed_beside(faults())
    };
    caught("bug_renewed_uncounted", &setup);
}
