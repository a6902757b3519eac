//! How much of a limit is used when three times as much is wanted.

use std::time::Duration;

use crate::holds;
use crate::setup::{Setup, Spec, requests};

/// Three times as much is wanted as there is, all the time.
pub(crate) fn overload(spec: Spec, replicas: usize, latency_ms: u64) -> Setup {
    let seconds = spec.span.length().as_secs_f64();
    Setup {
        runs: 1,
        // Long, since a limit that is used in bursts is used in whole ones.
        length: (spec.span.length() * 30).max(Duration::from_secs(60)),
        demand: 3.0 * spec.amount as f64 / seconds,
        is_bursty: false,
        limits: vec![spec],
        replicas,
        max_wait: spec.span.length(),
        think_max: spec.span.length().min(Duration::from_secs(1)) / 50,
        latency: Duration::from_millis(latency_ms),
        silent: 0.0,
        unanswered: 0.0,
        not_sent: 0.0,
        twice: 0.0,
        ..Setup::default()
    }
}

/// While all replicas want more than there is, none of them starves: what one of them is granted at least, of the average.
pub(crate) const LEAST_SERVED: f64 = 0.5;

/// At least this share of the limit is used, with any number of replicas.
fn used(name: &str, spec: Spec, latency_ms: u64, least: f64, change: impl Fn(&mut Setup)) {
    for replicas in [1, 3, 8] {
        let mut setup = overload(spec, replicas, latency_ms);
        change(&mut setup);
        let runs = holds(&format!("{name}_{replicas}_replicas"), &setup);
        let share = runs.iter().map(|(_, v)| v.share).sum::<f64>() / runs.len() as f64;
        assert!(
            share >= least,
            "{name}, {replicas} replicas: {share} of the limit was used"
        );
        for (seed, verdict) in runs {
            let least = verdict.least_served;
            assert!(
                least >= LEAST_SERVED,
                "{name}, seed {seed}: one of {replicas} replicas served {least} of the average"
            );
        }
    }
}

#[test]
fn nearly_all_of_a_minute_is_used() {
    used(
        "nearly_all_of_a_minute_is_used",
        requests(120, 60),
        300,
        0.97,
        |_| {},
    );
}

#[test]
fn nearly_all_is_used_when_answers_take_long() {
    used(
        "nearly_all_is_used_when_answers_take_long",
        requests(120, 60),
        5_000,
        0.97,
        |_| {},
    );
}

#[test]
fn most_is_used_without_reports() {
    used(
        "most_is_used_without_reports",
        requests(120, 60),
        300,
        0.93,
        |s| s.silent = 1.0,
    );
}

#[test]
fn most_of_ten_seconds_is_used() {
    used(
        "most_of_ten_seconds_is_used",
        requests(100, 10),
        300,
        0.94,
        |_| {},
    );
}

#[test]
fn most_of_a_second_is_used() {
    used(
        "most_of_a_second_is_used",
        requests(100, 1),
        50,
        0.80,
        |_| {},
    );
}

#[test]
fn nearly_all_is_used_in_bursts() {
    used(
        "nearly_all_is_used_in_bursts",
        requests(120, 60),
        300,
        0.97,
        |s| s.is_bursty = true,
    );
}

#[test]
fn most_of_a_second_is_used_when_answers_take_a_third_of_it() {
    used(
        "most_of_a_second_is_used_when_answers_take_a_third_of_it",
        requests(100, 1),
        300,
        0.80,
        |_| {},
    );
}

#[test]
fn most_of_ten_seconds_is_used_in_bursts() {
    used(
        "most_of_ten_seconds_is_used_in_bursts",
        requests(100, 10),
        300,
        0.94,
        |s| s.is_bursty = true,
    );
}

#[test]
fn most_of_a_second_is_used_in_bursts() {
    used(
        "most_of_a_second_is_used_in_bursts",
        requests(100, 1),
        300,
        0.80,
        |s| s.is_bursty = true,
    );
}
