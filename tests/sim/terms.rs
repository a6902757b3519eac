//! D and L that change under load: what is out goes by what was granted, whatever a replica takes the limit for.

use std::time::Duration;

use crate::bugs::Bug;
use crate::setup::{Act, Setup, requests};
use crate::{caught, holds};

/// L is long and short in turn, while most of the limit is wanted, and used at the last moment. Replicas hear of it within a second.
fn changed() -> Setup {
    let long = Duration::from_secs(4);
    Setup {
        runs: 5,
        length: Duration::from_secs(200),
        limits: vec![requests(100, 10)],
        demand: 14.0,
        is_bursty: false,
        think_max: Duration::from_millis(3_990),
        script: vec![
            (Duration::from_secs(3), Act::Terms(long, long / 20)),
            (Duration::from_secs(6), Act::Terms(long, long)),
        ],
        script_every: Duration::from_secs(6),
        ..Setup::default()
    }
}

#[test]
fn terms_are_changed_under_load() {
    holds("terms_are_changed_under_load", &changed());
}

#[test]
fn bug_terms_of_today() {
    let setup = Setup {
        bug: Some(Bug::TermsOfToday),
        ..changed()
    };
    caught("bug_terms_of_today", &setup);
}
