//! What refused callers are told is true: whoever comes back then is given a lease, unless somebody else has taken it.

use std::time::Duration;

use crate::bugs::Bug;
use crate::oracle::Verdict;
use crate::setup::{Setup, Spec, requests, tokens};
use crate::{holds, shares::overload};

/// Three times what the limit allows, of callers who do not wait. Once one is refused, the others are silent until it is back.
fn setup(limits: Vec<Spec>) -> Setup {
    let first = limits[0];
    Setup {
        runs: 3,
        length: Duration::from_secs(600),
        limits,
        max_wait: Duration::ZERO,
        comes_back: true,
        ..overload(first, 3, 300)
    }
}

/// How many came back, and of these the share that were given a lease.
fn kept(runs: &[(u64, Verdict)]) -> (usize, f64) {
    let kept: usize = runs.iter().map(|(_, verdict)| verdict.kept).sum();
    let broken: usize = runs.iter().map(|(_, verdict)| verdict.broken).sum();
    let all = kept + broken;
    println!("{kept} of {all} who came back were given a lease");
    (all, kept as f64 / all as f64)
}

#[test]
fn whoever_comes_back_when_told_to_is_given_a_lease() {
    let setup = setup(vec![requests(30, 10)]);
    let (all, share) = kept(&holds("whoever_comes_back_when_told_to", &setup));
    let forgetful = Setup {
        bug: Some(Bug::ToldForgotten),
        ..setup
    };
    let (_, forgotten) = kept(&holds("bug_told_forgotten", &forgetful));
    assert!(all >= 60, "only {all} came back");
    assert!(share >= 0.98, "only {share} were given a lease");
    assert!(forgotten < 0.9, "the bug was not seen: {forgotten}");
}

#[test]
fn whoever_comes_back_is_given_a_lease_under_two_limits() {
    let mut setup = setup(vec![requests(30, 10), tokens(30_000, 10)]);
    setup.tokens_max = 3_000;
    let (all, share) = kept(&holds("whoever_comes_back_under_two_limits", &setup));
    assert!(all >= 60, "only {all} came back");
    assert!(share >= 0.98, "only {share} were given a lease");
}
