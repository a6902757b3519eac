//! Limits held by real processes while things fail, and used while nothing does: replicas on a real Postgres, callers in several processes,
//! and a provider that counts what arrives in every window.
//!
//! Without arguments the short selection runs, as under `cargo test`; `--all` runs every fault, `--shares` what measures how much of a limit
//! is used while nothing fails, and a name runs what is called so.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]
#![expect(clippy::print_stdout, reason = "the figures are what a run is for")]

mod arrivals;
mod caller;
mod children;
mod clock;
mod division;
mod faults;
mod harness;
mod machine;
mod postgres;
mod provider;
mod report;
mod runs;
mod upstream;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use runs::{Figures, RUNS, Run, SHARES};

/// The load of all runs that are under way, in calls a second: most of a run is waiting, and three with faults fit on two cores.
const LOAD_AT_ONCE: usize = 270;
/// The load that a replica is without a call.
const LOAD_OF_REPLICA: u64 = 4;
/// Whatever the machine has.
const THREADS: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--as=caller") => role(|| caller::call(children::orders())),
        Some("--as=provider") => role(|| provider::serve(children::orders())),
        Some("--list") => runs().for_each(|run| println!("{}: test", run.name)),
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
    let is_asked = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let names: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    if !names.is_empty() {
        let is_named = |run: &&Run| names.iter().any(|name| run.name == **name);
        return runs().filter(is_named).copied().collect();
    }
    if is_asked("--shares") {
        return SHARES.to_vec();
    }
    let all = is_asked("--all");
    RUNS.iter()
        .filter(|run| all || run.is_short)
        .copied()
        .collect()
}

/// All that there are.
fn runs() -> impl Iterator<Item = &'static Run> {
    RUNS.iter().chain(SHARES)
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
    let figures = runtime.block_on(all(runs));
    match figures.as_deref().map(report::report) {
        Some(true) => ExitCode::SUCCESS,
        Some(false) | None => ExitCode::FAILURE,
    }
}

/// Nothing is left running if somebody interrupts it.
async fn all(runs: &[Run]) -> Option<Vec<Figures>> {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    tokio::select! {
        figures = beside_each_other(runs) => Some(figures),
        _ = tokio::signal::ctrl_c() => None,
        _ = terminate.recv() => None,
    }
}

/// Begins and answers in the order of the table.
async fn beside_each_other(runs: &[Run]) -> Vec<Figures> {
    let room = Arc::new(Semaphore::new(LOAD_AT_ONCE));
    let mut tasks = JoinSet::new();
    for (place, run) in runs.iter().copied().enumerate() {
        let load = run.setup.calls + LOAD_OF_REPLICA * run.setup.replicas as u64;
        let part = Arc::clone(&room)
            .acquire_many_owned(u32::try_from(load).unwrap())
            .await
            .unwrap();
        tasks.spawn(async move {
            let _part = part;
            // A task of its own, so that a run that breaks off is a failure of that run.
            let figures = AbortOnDropHandle::new(tokio::spawn(run.go())).await;
            let figures = figures.unwrap_or_else(|error| Figures::broken(run, &error.to_string()));
            println!("{}: {}", run.name, figures.result());
            (place, figures)
        });
    }
    let mut figures = tasks.join_all().await;
    figures.sort_by_key(|(place, _)| *place);
    figures.into_iter().map(|(_, figures)| figures).collect()
}
