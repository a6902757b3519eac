//! D and L that change under load: what is out goes by what was granted, whatever a replica takes the limit for.

use std::time::Duration;

use crate::bugs::Bug;
use crate::setup::{Act, Setup, Spec, requests};
use crate::{caught, holds};

/// L is long and short in turn, while all of the limit is wanted, and used at the last moment. Replicas hear of it within a second: the
/// first time, when they have been granted all of it.
fn changed() -> Setup {
    let (long, short) = (Duration::from_secs(4), Duration::from_millis(200));
    Setup {
        runs: 5,
        length: Duration::from_secs(120),
        limits: vec![Spec {
            start_within: Some(long),
            ..requests(100, 10)
        }],
        demand: 60.0,
        starts_last: true,
        script: vec![
            (Duration::from_millis(5), Act::Terms(short, short)),
            (Duration::from_secs(15), Act::Terms(short, long)),
        ],
        script_every: Duration::from_secs(30),
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
