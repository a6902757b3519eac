//! D and L that change under load: what is out goes by what was granted, whatever a replica takes the limit for.

use std::time::Duration;

use crate::bugs::Bug;
use crate::setup::{Act, Setup, requests};
use crate::{caught, holds};

/// Long and short in turn, while all of the limit is wanted and used at the last moment. Replicas hear of it within a second.
fn changed() -> Setup {
    let (long, short) = (Duration::from_secs(4), Duration::from_millis(200));
    Setup {
        runs: 5,
        length: Duration::from_secs(200),
        limits: vec![requests(100, 10)],
        demand: 60.0,
        think_max: Duration::from_millis(3_990),
        script: vec![
            (Duration::from_secs(13), Act::Terms(short, short)),
            (Duration::from_secs(26), Act::Terms(long, long)),
        ],
        script_every: Duration::from_secs(26),
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
