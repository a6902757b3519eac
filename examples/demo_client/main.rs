//! A service that needs keys, as a process of its own: it leases one for every request, calls the provider, reports, and follows the
//! advice. This is all a client has to do.

mod bearer;
mod clock;
mod tally;
mod task;
mod upstream;
mod vault;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

use tally::Tally;
use task::Worker;
use vault::Vault;

/// Requests of one client under way at a time; what comes on top is dropped, as a service under load would.
const TASKS_MAX: usize = 24;

/// A client of the demo: leases keys, calls the provider, reports, and prints what it counted as JSON lines.
#[derive(Debug, Parser)]
struct Arguments {
    /// The vault.
    #[arg(long, env = "KEYLEASE_SERVER")]
    server: String,
    /// A file with the caller's token.
    #[arg(long, env = "KEYLEASE_TOKEN_FILE")]
    token_file: PathBuf,
    /// The pool to lease from.
    #[arg(long)]
    pool: String,
    /// Requests a second that the client would like to make.
    #[arg(long)]
    rate: u32,
    /// For how long.
    #[arg(long)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    serve().await.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "demo client: {error:#}");
        ExitCode::FAILURE
    })
}

async fn serve() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let vault = Vault::connect(arguments.server, &arguments.token_file, arguments.pool).await?;
    let tally = Arc::new(Mutex::new(Tally::default()));
    let worker = Worker::new(vault, upstream::client()?, Arc::clone(&tally));
    let printer = tokio::spawn(print_every_second(Arc::clone(&tally)));
    run(
        worker,
        arguments.rate,
        Duration::from_secs(arguments.seconds),
    )
    .await?;
    printer.abort();
    print(&tally)?;
    Ok(match tally.lock().unexpected {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Starts tasks at an even rate, then waits for those under way.
async fn run(worker: Worker, rate: u32, length: Duration) -> anyhow::Result<()> {
    let end = Instant::now() + length;
    let room = Arc::new(Semaphore::new(TASKS_MAX));
    let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while Instant::now() < end {
        ticks.tick().await;
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            worker.drop_task();
            continue;
        };
        let worker = worker.clone();
        tokio::spawn(async move {
            worker.work(end).await;
            drop(permit);
        });
    }
    let all = u32::try_from(TASKS_MAX)?;
    let _idle = room.acquire_many(all).await?;
    Ok(())
}

async fn print_every_second(tally: Arc<Mutex<Tally>>) {
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        if print(&tally).is_err() {
            return;
        }
    }
}

fn print(tally: &Mutex<Tally>) -> anyhow::Result<()> {
    let line = serde_json::to_string(&*tally.lock())?;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
