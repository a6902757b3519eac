//! A day of load: two million requests, and half a million tokens a minute.

use std::time::Duration;

use crate::setup::{Faults, Setup, requests, tokens};
use crate::world::{Kept, World};

const HOUR: Duration = Duration::from_hours(1);

/// As much is wanted as there is, in bursts, by callers of every kind; an answer is lost here and there, and every hour a replica is
/// restarted.
fn load(length: Duration, watch_every: Duration) -> Setup {
    Setup {
        length,
        limits: vec![tokens(500_000, 60), requests(1_600, 60)],
        replicas: 3,
        demand: 23.2,
        uses_max: 1,
        // Half a million tokens a minute, of 23 requests a second.
        tokens_max: 720,
        takes_max: Some(1.2),
        named: 0.2,
        rolling: Some(HOUR),
        watch_every: Some(watch_every),
        faults: Faults {
            pause: 0.000_1,
            slow_database: 0.001,
            lost_reply: 0.001,
            lost_lease: 0.01,
            ..Setup::default().faults
        },
        ..Setup::default()
    }
}

/// Every limit is kept, and what is kept in memory and in the database at the end is what was kept in the middle, but for noise.
fn runs(name: &str, setup: &Setup, noise: f64) {
    let (verdict, watched) = World::new(setup, 0, name).run_watched();
    println!("{name}: {verdict}; kept: {watched:?}");
    assert!(!verdict.is_over(), "{name}: {verdict}");
    assert!(verdict.share > 0.5, "{name}: {verdict}");
    no_drift("rows", &watched, noise, |kept| kept.database);
    no_drift("entries", &watched, noise, |kept| kept.replicas);
}

fn no_drift(what: &str, watched: &[Kept], noise: f64, of: impl Fn(&Kept) -> usize) {
    // At first there is nothing yet.
    let (_, watched) = watched.split_at(watched.len() / 5);
    let (first, second) = watched.split_at(watched.len() / 2);
    // A restart leaves a peak for a while, now higher and now lower: what stays is seen in the mean.
    let mean = |half: &[Kept]| half.iter().map(&of).sum::<usize>() as f64 / half.len() as f64;
    let (before, after) = (mean(first), mean(second));
    assert!(
        after <= before * noise,
        "{after} {what} in the second half, {before} in the first"
    );
}

#[test]
fn a_stretch_of_load() {
    let setup = Setup {
        rolling: Some(HOUR / 12),
        ..load(HOUR / 3, HOUR / 180)
    };
    // What ends with its leases is kept for a while: at this length, some of it is still becoming more, and the peaks that restarts leave
    // (twice of what is kept between them) do not even out yet.
    runs("a_stretch_of_load", &setup, 1.5);
}

#[test]
#[ignore = "takes minutes unless it is optimised: see CONTRIBUTING.md"]
fn a_day_of_load() {
    runs("a_day_of_load", &load(HOUR * 24, HOUR / 4), 1.1);
}
