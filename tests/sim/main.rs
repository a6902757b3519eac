//! The ledger in a simulated world: simulated time, clocks, network, database, replicas and callers, but the production code for all
//! that is decided about permits. An oracle that knows only when uses started says whether a limit was passed.
//!
//! `KEYLEASE_SIM_RUNS` sets how many seeds each scenario gets. A failure names its scenario and seed; `KEYLEASE_SIM_SEED` runs that seed
//! alone.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]
#![expect(clippy::print_stdout, reason = "the figures are what a run is for")]

mod bugs;
mod caller;
mod database;
mod merges;
mod offline;
mod oracle;
mod planted;
mod random;
mod replica;
mod scenarios;
mod setup;
mod shares;
mod spans;
mod time;
mod world;

use std::env;

use oracle::Verdict;
use setup::Setup;
use world::World;

/// Runs a scenario over its seeds.
fn runs(name: &str, setup: &Setup) -> Vec<(u64, Verdict)> {
    let number = |variable: &str| env::var(variable).ok().and_then(|text| text.parse().ok());
    let seeds = match number("KEYLEASE_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("KEYLEASE_SIM_RUNS").unwrap_or(setup.runs),
    };
    seeds
        .map(|seed| (seed, World::new(setup, seed, name).run()))
        .collect()
}

/// Every seed must keep every limit.
fn holds(name: &str, setup: &Setup) -> Vec<(u64, Verdict)> {
    let runs = runs(name, setup);
    for (seed, verdict) in &runs {
        assert!(
            !verdict.is_over(),
            "{name}: {verdict}; replay with KEYLEASE_SIM_SEED={seed} cargo test --test sim {name}"
        );
    }
    summary(name, &runs);
    runs
}

/// A seeded bug: some seed must pass a limit, or the simulation sees nothing.
fn caught(name: &str, setup: &Setup) {
    let runs = runs(name, setup);
    summary(name, &runs);
    assert!(
        runs.iter().any(|(_, verdict)| verdict.is_over()),
        "{name}: the bug was not seen in {} runs",
        runs.len()
    );
}

fn summary(name: &str, runs: &[(u64, Verdict)]) {
    let over = runs.iter().filter(|(_, verdict)| verdict.is_over()).count();
    let worst = runs.iter().map(|(_, v)| v.worst).fold(0.0, f64::max);
    let shares: f64 = runs.iter().map(|(_, v)| v.share).sum();
    println!(
        "{name}: {} runs, {over} over, worst window {worst:.3} of the limit, {:.1} % used",
        runs.len(),
        100.0 * shares / runs.len() as f64
    );
}
