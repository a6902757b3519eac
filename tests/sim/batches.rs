//! Leases of several uses, reported in parts; and uses that take less or more than was estimated.

use std::time::Duration;

use crate::bugs::Bug;
use crate::oracle::Verdict;
use crate::scenarios::{everything, faults};
use crate::setup::{Act, Faults, Odd, Setup, Spec, requests, tokens};
use crate::{caught, holds, runs};

/// Of some batches, and now and then of most, not all uses are reported; these start last of all.
fn batches() -> Setup {
    Setup {
        runs: 4,
        limits: vec![Spec {
            start_within: Some(seconds(3)),
            ..requests(200, 10)
        }],
        demand: 14.0,
        uses_max: 8,
        think_max: Duration::from_millis(300),
        in_parts: true,
        silent: 0.05,
        unanswered: 0.0,
        not_sent: 0.0,
        twice: 0.3,
        script: vec![(seconds(20), Act::Odd(Odd::Incomplete, seconds(10)))],
        script_every: seconds(30),
        ..Setup::default()
    }
}

/// Three times as many tokens are wanted as there are.
fn settled(takes_max: f64) -> Setup {
    Setup {
        limits: vec![tokens(80_000, 20)],
        demand: 12.0,
        is_bursty: false,
        takes_max: Some(takes_max),
        silent: 0.0,
        unanswered: 0.0,
        not_sent: 0.0,
        max_wait: seconds(20),
        length: seconds(200),
        runs: 3,
        ..Setup::default()
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn mean(runs: &[(u64, Verdict)], of: impl Fn(&Verdict) -> f64) -> f64 {
    runs.iter().map(|(_, verdict)| of(verdict)).sum::<f64>() / runs.len() as f64
}

#[test]
fn batches_are_reported_in_parts() {
    holds("batches_are_reported_in_parts", &batches());
}

#[test]
fn batches_are_reported_in_parts_while_everything_fails() {
    let setup = Setup {
        limits: vec![requests(200, 10), tokens(300_000, 20)],
        takes_max: Some(1.3),
        named: 0.3,
        faults: Faults {
            drain: 0.01,
            lost_lease: 0.1,
            ..everything()
        },
        ..batches()
    };
    holds(
        "batches_are_reported_in_parts_while_everything_fails",
        &setup,
    );
}

#[test]
fn bug_end_incomplete() {
    let setup = Setup {
        bug: Some(Bug::EndIncomplete),
        ..batches()
    };
    caught("bug_end_incomplete", &setup);
}

/// Half of what is estimated is used, and the rest is used by others.
#[test]
fn what_is_not_used_comes_back() {
    let runs = holds("what_is_not_used_comes_back", &settled(1.0));
    let share = mean(&runs, |verdict| verdict.share);
    assert!(share > 0.7, "only {share} of the limit was used");
}

#[test]
fn what_is_used_beyond_the_estimate_is_charged() {
    let runs = holds("what_is_used_beyond_the_estimate_is_charged", &settled(3.0));
    let share = mean(&runs, |verdict| verdict.with_overuse);
    println!("{share} of the limit was used in the long run");
    assert!(share < 1.3, "{share} of the limit was used in the long run");
}

#[test]
fn bug_overuse_forgotten() {
    let setup = Setup {
        bug: Some(Bug::OveruseForgotten),
        faults: faults(),
        ..settled(3.0)
    };
    let runs = runs("bug_overuse_forgotten", &setup);
    let least = runs.iter().map(|(_, verdict)| verdict.with_overuse);
    let least = least.fold(f64::MAX, f64::min);
    println!("{least} of the limit was used at least in the long run");
    assert!(least > 1.2, "{least}: the bug was not seen in some run");
}
