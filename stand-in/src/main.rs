//! The stand-in provider as a process.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use stand_in::{Config, Provider};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A provider to try KeyLease against: speaks like OpenAI, enforces limits, lets keys die, and counts what arrives.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "STAND_IN_LISTEN", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A JSON file: {"accounts": [{"name", "requests": {"amount", "window_ms"}, "burst"?, "tokens"?, "keys": […], "latency_ms"?}]}.
    #[arg(long, env = "STAND_IN_CONFIG")]
    config: PathBuf,
    /// A file to write the bound address to, one line host:port.
    #[arg(long, env = "STAND_IN_ADDRESS_FILE")]
    address_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let json = std::fs::read_to_string(&arguments.config)
        .map_err(|error| format!("cannot read {}: {error}", arguments.config.display()))?;
    let config = Config::parse(&json)?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let mut terminated = signal(SignalKind::terminate())?;
    let provider = Provider::start(listener, config)?;
    announce(&arguments, &provider)?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    provider.shutdown().await;
    Ok(())
}

/// The file appears whole: whoever waits for it never reads half an address.
fn announce(arguments: &Arguments, provider: &stand_in::RunningProvider) -> std::io::Result<()> {
    let address = provider.address();
    if let Some(file) = &arguments.address_file {
        let draft = file.with_extension("new");
        std::fs::write(&draft, format!("{address}\n"))?;
        std::fs::rename(&draft, file)?;
    }
    writeln!(
        std::io::stdout(),
        "stand-in provider listening on http://{address}"
    )
}
