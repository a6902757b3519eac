//! The ledger in a simulated world: simulated time, clocks, network, database, replicas and callers, but the production code for all
//! that is decided about permits. An oracle that knows only when uses started says whether a limit was passed.
//!
//! `KEYLEASE_SIM_RUNS` sets how many seeds each scenario gets. A failure names its scenario and seed; `KEYLEASE_SIM_SEED` runs that seed
//! alone.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]
#![expect(clippy::print_stdout, reason = "the figures are what a run is for")]

mod anew;
mod batches;
mod bugs;
mod caller;
mod canaries;
mod churn;
mod clocks;
mod database;
mod day;
mod durability;
mod entities;
mod kinds;
mod losses;
mod merges;
mod offline;
mod oracle;
mod planted;
mod random;
mod replays;
mod replica;
mod rolling;
mod scenarios;
mod setup;
mod shares;
mod spans;
mod takeovers;
mod terms;
mod time;
mod told;
mod waste;
mod world;

use std::time::Duration;
use std::{env, fmt, thread};

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
    let run = |seed| {
        let _replay = Replay { name, seed };
        (seed, World::new(setup, seed, name).run())
    };
    seeds.map(run).collect()
}

/// A run that does not come to its end says how to see that again.
struct Replay<'a> {
    name: &'a str,
    seed: u64,
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("{self}");
        }
    }
}

impl fmt::Display for Replay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tests run in threads of their names, unless there is one thread for all.
        let thread = thread::current();
        let test = thread.name().filter(|test| *test != "main");
        write!(
            f,
            "{}: replay with KEYLEASE_SIM_SEED={} cargo test --test sim {} -- --nocapture",
            self.name,
            self.seed,
            test.unwrap_or(self.name)
        )
    }
}

/// Every seed must keep every limit.
fn holds(name: &str, setup: &Setup) -> Vec<(u64, Verdict)> {
    let runs = runs(name, setup);
    for (seed, verdict) in &runs {
        let replay = Replay { name, seed: *seed };
        assert!(!verdict.is_over(), "{verdict}; {replay}");
    }
    summary(name, &runs);
    runs
}

/// A planted bug: most seeds must pass a limit, so that it is seen whatever else changes what the seeds come to.
fn caught(name: &str, setup: &Setup) {
    let runs = runs(name, setup);
    summary(name, &runs);
    seen(name, &runs, 2, Verdict::is_over);
}

/// A planted bug must be seen in more than one of so many runs.
fn seen(name: &str, runs: &[(u64, Verdict)], one_of: usize, is_seen: impl Fn(&Verdict) -> bool) {
    let seen = runs.iter().filter(|(_, verdict)| is_seen(verdict)).count();
    println!("{name}: the bug was seen in {seen} of {} runs", runs.len());
    assert!(
        seen * one_of > runs.len(),
        "{name}: the bug was seen in {seen} of {} runs",
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

/// A run with every fault, all of which come from the seed.
#[test]
fn a_seed_is_the_same_run_whenever_it_is_replayed() {
    let setup = Setup {
        length: Duration::from_secs(120),
        watch_every: Some(Duration::from_secs(10)),
        named: 0.5,
        in_parts: true,
        uses_max: 4,
        faults: scenarios::everything(),
        ..Setup::default()
    };
    let run = |seed| {
        let (verdict, kept) = World::new(&setup, seed, "replayed").run_watched();
        format!("{verdict:?} {kept:?}")
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_failure_says_how_to_replay_its_seed() {
    let replay = Replay { name: "x", seed: 7 }.to_string();
    assert!(replay.starts_with("x: replay with KEYLEASE_SIM_SEED=7 cargo test --test sim "));
}
