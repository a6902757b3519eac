//! The scenarios: faults alone and together, each over many seeds; and planted bugs, each of which must be seen.

use std::time::Duration;

use crate::holds;
use crate::setup::{Faults, Setup, requests, tokens};

pub(crate) fn faults() -> Faults {
    Setup::default().faults
}

pub(crate) fn with(faults: Faults) -> Setup {
    Setup {
        faults,
        ..Setup::default()
    }
}

#[test]
fn steady() {
    let setup = Setup {
        is_bursty: false,
        ..Setup::default()
    };
    let runs = holds("steady", &setup);
    let share: f64 = runs.iter().map(|(_, v)| v.share).sum::<f64>() / runs.len() as f64;
    assert!(share > 0.9, "only {share} of the limit was used");
}

#[test]
fn bursts() {
    holds("bursts", &Setup::default());
}

#[test]
fn crashes_and_pauses() {
    let faults = Faults {
        crash: 0.02,
        pause: 0.05,
        ..faults()
    };
    holds("crashes_and_pauses", &with(faults));
}

#[test]
fn slow_and_lost_replies() {
    let faults = Faults {
        slow_database: 0.3,
        lost_reply: 0.1,
        slow_lease: 0.3,
        slow_max: Duration::from_secs(8),
        ..faults()
    };
    holds("slow_and_lost_replies", &with(faults));
}

#[test]
fn failovers() {
    let faults = Faults {
        failover: 0.005,
        ..faults()
    };
    holds("failovers", &with(faults));
}

#[test]
fn restored_dumps() {
    let faults = Faults {
        restore: 0.01,
        crash: 0.01,
        ..faults()
    };
    holds("restored_dumps", &with(faults));
}

#[test]
fn a_disk_that_is_set_back() {
    let faults = Faults {
        set_back: 0.01,
        ..faults()
    };
    holds("a_disk_that_is_set_back", &with(faults));
}

#[test]
fn clocks_that_are_set_and_slew() {
    let faults = Faults {
        clock: 0.05,
        crash: 0.01,
        ..faults()
    };
    holds("clocks_that_are_set_and_slew", &with(faults));
}

#[test]
fn everything_at_once() {
    holds("everything_at_once", &with(everything()));
}

pub(crate) fn everything() -> Faults {
    Faults {
        crash: 0.02,
        pause: 0.03,
        slow_database: 0.1,
        lost_reply: 0.02,
        slow_lease: 0.1,
        failover: 0.005,
        restore: 0.002,
        outage: 0.01,
        clock: 0.01,
        reconfigure: 0.02,
        ..faults()
    }
}

#[test]
fn a_window_of_a_second() {
    let setup = Setup {
        limits: vec![requests(50, 1)],
        demand: 150.0,
        max_wait: Duration::from_millis(500),
        think_max: Duration::from_millis(50),
        latency: Duration::from_millis(100),
        length: Duration::from_secs(60),
        faults: everything(),
        ..Setup::default()
    };
    holds("a_window_of_a_second", &setup);
}

#[test]
fn several_limits_and_batches() {
    let setup = Setup {
        limits: vec![requests(100, 60), tokens(80_000, 60), requests(20, 10)],
        uses_max: 4,
        faults: everything(),
        ..Setup::default()
    };
    holds("several_limits_and_batches", &setup);
}

#[test]
fn large_needs_are_met_on_many_replicas() {
    let setup = Setup {
        limits: vec![tokens(30_000, 60)],
        tokens_max: 16_000,
        replicas: 8,
        max_wait: Duration::from_secs(60),
        length: Duration::from_secs(600),
        ..Setup::default()
    };
    let runs = holds("large_needs_are_met_on_many_replicas", &setup);
    let share: f64 = runs.iter().map(|(_, v)| v.share).sum::<f64>() / runs.len() as f64;
    assert!(share > 0.6, "only {share} of the limit was used");
}

/// Every reply of the database to one replica comes when its block is long over.
pub(crate) fn late() -> Setup {
    Setup {
        limits: vec![requests(100, 10)],
        demand: 40.0,
        is_bursty: false,
        faults: Faults {
            late_to_first: Some(Duration::from_secs(14)),
            ..faults()
        },
        ..Setup::default()
    }
}

#[test]
fn late_blocks() {
    holds("late_blocks", &late());
}
