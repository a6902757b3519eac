//! Limits held by real processes while things fail: three replicas on a real Postgres, callers in several processes, and a provider that
//! counts what arrives in every window.
//!
//! Without arguments the short selection runs, as under `cargo test`; `--all` runs everything, and a name runs what contains it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]
#![expect(clippy::print_stdout, reason = "the figures are what a run is for")]

mod arrivals;
mod caller;
mod children;
mod clock;
mod faults;
mod harness;
mod postgres;
mod provider;
mod proxy;
mod report;
mod runs;
mod upstream;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::Semaphore;

use runs::{Figures, RUNS, Run};

/// Runs at a time: most of a run is waiting, and two fit on two cores.
const LANES: usize = 2;
/// Whatever the machine has.
const THREADS: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--as=caller") => role(|| caller::call(children::orders())),
        Some("--as=provider") => role(|| provider::serve(children::orders())),
        Some("--list") => RUNS.iter().for_each(|run| println!("{}: test", run.name)),
        Some(_) | None => return judge(&selected(&arguments)),
    }
    ExitCode::SUCCESS
}

/// One thread is enough for a process that mostly waits.
fn role<F: Future<Output = ()>>(work: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work());
}

/// The runs that the arguments ask for. Flags of the usual test harness mean nothing here.
fn selected(arguments: &[String]) -> Vec<Run> {
    let all = arguments.iter().any(|argument| argument == "--all");
    let names: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let is_selected = |run: &&Run| match names.as_slice() {
        [] => all || run.is_short,
        names => names.iter().any(|name| run.name == **name),
    };
    RUNS.iter().filter(is_selected).copied().collect()
}

fn judge(runs: &[Run]) -> ExitCode {
    if runs.is_empty() {
        return ExitCode::SUCCESS;
    }
    // Some of them wait for processes, which must not hold up the proxies of others.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    if report::report(&runtime.block_on(all(runs))) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn all(runs: &[Run]) -> Vec<Figures> {
    let lanes = Arc::new(Semaphore::new(LANES));
    let tasks: Vec<_> = runs
        .iter()
        .map(|run| {
            let (run, lanes) = (*run, Arc::clone(&lanes));
            tokio::spawn(async move {
                let _lane = lanes.acquire_owned().await.unwrap();
                run.go().await
            })
        })
        .collect();
    let mut figures = Vec::new();
    for (task, run) in tasks.into_iter().zip(runs) {
        let done = task.await;
        figures.push(done.unwrap_or_else(|error| Figures::broken(*run, &error.to_string())));
    }
    figures
}
