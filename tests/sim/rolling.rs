//! Replicas that end in order and come back, while all of a limit is wanted.

use std::time::Duration;

use crate::holds;
use crate::scenarios::everything;
use crate::setup::{Faults, Setup, concurrency, requests, tokens};

/// Three times as much is wanted as there is, and every few seconds another replica ends.
fn rolling() -> Setup {
    Setup {
        limits: vec![requests(120, 60)],
        demand: 6.0,
        is_bursty: false,
        max_wait: Duration::from_secs(60),
        think_max: Duration::from_millis(20),
        named: 0.5,
        patience: Duration::from_secs(70),
        silent: 0.0,
        unanswered: 0.0,
        not_sent: 0.0,
        replicas: 3,
        rolling: Some(Duration::from_secs(7)),
        ..Setup::default()
    }
}

#[test]
fn replicas_are_restarted_one_by_one() {
    let runs = holds("replicas_are_restarted_one_by_one", &rolling());
    let share: f64 = runs.iter().map(|(_, v)| v.share).sum::<f64>() / runs.len() as f64;
    assert!(share > 0.9, "only {share} of the limit was used");
}

#[test]
fn replicas_are_restarted_while_everything_fails() {
    let setup = Setup {
        runs: 4,
        limits: vec![requests(200, 20), tokens(100_000, 60), concurrency(40, 30)],
        demand: 20.0,
        uses_max: 3,
        lease_duration: Duration::from_secs(20),
        hold_max: Duration::from_secs(10),
        patience: Duration::from_secs(2),
        twice: 0.3,
        elsewhere: 0.6,
        faults: Faults {
            drain: 0.02,
            lost_lease: 0.1,
            ..everything()
        },
        ..rolling()
    };
    holds("replicas_are_restarted_while_everything_fails", &setup);
}
