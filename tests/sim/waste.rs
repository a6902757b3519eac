//! Bugs that pass no limit, but leave most of it unused or serve some never: each is seen in what is used.

use std::time::Duration;

use crate::bugs::Bug;
use crate::oracle::Verdict;
use crate::setup::{Faults, Setup, Spec, requests, tokens};
use crate::shares::overload;
use crate::{holds, scenarios};

fn mean(runs: &[(u64, Verdict)], of: impl Fn(&Verdict) -> f64) -> f64 {
    runs.iter().map(|(_, verdict)| of(verdict)).sum::<f64>() / runs.len() as f64
}

/// The same without and with a bug: a share that falls from at least `most` to at most `least`.
fn falls(name: &str, setup: &Setup, bug: Bug, (most, least): (f64, f64)) {
    let share = mean(&holds(name, setup), |verdict| verdict.share);
    assert!(share >= most, "{name}: only {share} of the limit was used");
    let with_bug = Setup {
        bug: Some(bug),
        ..setup.clone()
    };
    let runs = holds(&format!("{name}_with_{bug:?}"), &with_bug);
    let share = mean(&runs, |verdict| verdict.share);
    assert!(share <= least, "{name}: {bug:?} was not seen: {share}");
}

/// Every other call for little at every replica, and one in half a minute for much.
fn large() -> Setup {
    Setup {
        runs: 3,
        length: Duration::from_secs(600),
        limits: vec![tokens(30_000, 60)],
        replicas: 8,
        demand: 5.0,
        is_bursty: false,
        tokens_max: 1_000,
        large: Some((1.0 / 150.0, 8_000)),
        max_wait: Duration::from_secs(2),
        ..Setup::default()
    }
}

#[test]
fn who_needs_much_is_left_room_for() {
    let runs = holds("who_needs_much_is_left_room_for", &large());
    let served = mean(&runs, |verdict| verdict.large as f64);
    println!("{served} large needs were met");
    let setup = Setup {
        bug: Some(Bug::NoClaim),
        ..large()
    };
    let runs = holds("bug_no_claim", &setup);
    let starved = mean(&runs, |verdict| verdict.large as f64);
    println!("{starved} large needs were met without a claim");
    assert!(served >= 8.0, "{served} large needs were met");
    assert!(starved * 2.0 < served, "the bug was not seen: {starved}");
}

/// Of the messages of the database, three in ten take long.
#[test]
fn late_blocks_are_returned_whole() {
    let setup = Setup {
        runs: 2,
        faults: Faults {
            slow_database: 0.3,
            slow_max: Duration::from_secs(4),
            ..scenarios::faults()
        },
        ..overload(requests(120, 60), 3, 300)
    };
    falls(
        "late_blocks_are_returned_whole",
        &setup,
        Bug::LateKept,
        (0.85, 0.78),
    );
}

/// Every call counts for so many limits that a transaction of all of them takes longer than D. What two replicas ask for at one time is
/// asked for alone by whoever comes second, which costs a third of them.
#[test]
fn many_limits_are_asked_for_in_parts() {
    let limits: Vec<Spec> = vec![requests(40, 10); 450];
    let setup = Setup {
        limits,
        length: Duration::from_secs(20),
        lock_time: Duration::from_micros(1_200),
        demand: 12.0,
        ..overload(requests(40, 10), 2, 300)
    };
    falls(
        "many_limits_are_asked_for_in_parts",
        &setup,
        Bug::OneTransaction,
        (0.6, 0.1),
    );
}
