//! The demo: keys from a `.env` file, three client processes, a provider that counts, one key that dies, one that is rotated, and not
//! one request over the limit. `run` beside this file builds everything and starts it; `play` is the plot.

mod admin;
#[path = "../demo_client/bearer.rs"]
mod bearer;
mod clients;
mod env_file;
mod play;
mod process;
mod provider;
mod screen;
mod server;
mod summary;
#[path = "../demo_client/tally.rs"]
mod tally;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use play::Play;
use process::Binaries;
use server::Server;

/// What a shell answers for a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Shows KeyLease at its main job.
#[derive(Debug, Parser)]
struct Arguments {
    /// An empty folder for everything the demo keeps. Whoever made it removes it.
    #[arg(long)]
    scratch: PathBuf,
    /// How long the clients work.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u64).range(10..=600))]
    seconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    show().await.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "demo: {error:#}");
        ExitCode::FAILURE
    })
}

async fn show() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let binaries = Binaries::find()?;
    let mut server = Server::start(&binaries, &arguments.scratch)?;
    let play = Play {
        binaries,
        scratch: arguments.scratch,
        length: Duration::from_secs(arguments.seconds),
    };
    // Whatever happens in the play, the server is stopped in order.
    let outcome = tokio::select! {
        outcome = play.perform(&mut server) => outcome.map(Some),
        interrupted = interrupted() => interrupted.map(|()| None),
    };
    if matches!(outcome, Ok(Some(false))) {
        // The log is removed with the rest.
        writeln!(
            std::io::stderr(),
            "the vault's log ends:\n{}",
            server.log_end()
        )?;
    }
    let stopped = server.stop().await;
    let code = match outcome? {
        Some(true) if stopped.is_ok() => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
        None => INTERRUPTED.into(),
    };
    stopped?;
    if code == ExitCode::SUCCESS {
        writeln!(
            std::io::stdout(),
            "the vault, its Postgres and the clients are stopped"
        )?;
    }
    Ok(code)
}

async fn interrupted() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminated.recv() => {}
    }
    writeln!(std::io::stdout(), "\ninterrupted; stopping")?;
    Ok(())
}
