//! Limits of long windows, whose old blocks are merged.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::faults;
use crate::setup::{Faults, Setup, requests};
use crate::{caught, holds};

/// An hour and the beginning of the next, of a limit that takes some minutes to be used up. So many calls wait that whatever comes back
/// is used at once.
fn hour() -> Setup {
    Setup {
        runs: 1,
        length: Duration::from_secs(3_900),
        limits: vec![requests(2_000, 3_600)],
        replicas: 2,
        demand: 3.0,
        is_bursty: false,
        max_wait: Duration::from_secs(120),
        is_synchronous: true,
        think_max: Duration::from_millis(2_900),
        ..Setup::default()
    }
}

#[test]
fn an_hour_in_slices() {
    let runs = holds("an_hour_in_slices", &hour());
    let share: f64 = runs.iter().map(|(_, v)| v.share).sum::<f64>() / runs.len() as f64;
    // In the five minutes after the hour, whatever comes back: at three calls a second 0.82 of what the half before allows.
    assert!(share > 0.7, "only {share} of the limit was used");
}

#[test]
fn an_hour_in_slices_while_everything_fails() {
    let setup = Setup {
        is_synchronous: false,
        faults: Faults {
            crash: 0.005,
            pause: 0.01,
            slow_database: 0.1,
            lost_reply: 0.02,
            slow_lease: 0.1,
            failover: 0.001,
            outage: 0.002,
            clock: 0.005,
            reconfigure: 0.005,
            ..faults()
        },
        ..hour()
    };
    holds("an_hour_in_slices_while_everything_fails", &setup);
}

#[test]
fn bug_merged_end_rounded_down() {
    let setup = Setup {
        bug: Some(Bug::MergedEndRoundedDown),
        ..hour()
    };
    caught("bug_merged_end_rounded_down", &setup);
}
