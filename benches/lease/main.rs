//! How fast a lease is, with a bare server beside it in the same run. `scripts/bench` builds everything and starts it.

mod bare;
mod baseline;
mod bounds;
mod compare;
mod crowd;
mod database;
mod extent;
mod figures;
mod journal;
mod load;
mod process;
mod rewrap;
mod scale;
mod side;
mod vault;
mod world;

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use extent::Extent;

/// Measures the lease path. The last line is JSON.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// How much of it: the figures of a brief run say nothing but that the driver works
    #[arg(long, global = true, default_value = "full")]
    extent: Extent,
    /// Cargo says so when it benches; without it, as under `cargo test`, nothing is measured.
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// LeaseKey beside a bare server that answers messages of the same size: throughput, and p99 at half of the bare server's load
    Compare,
    /// LeaseKey beside a server that makes one transaction per lease on the same Postgres
    Baseline,
    /// Throughput by the number of keys and of pools beside the smallest case, and memory per key
    Scale(scale::Arguments),
    /// Transactions per second on Postgres as the lease rate grows
    Database,
    /// LeaseKey of pools that record each lease beside one that counts them: throughput, and p99
    Journal,
    /// Everything wrapped anew under another master key while keys are leased: how fast, how long, and the p99 of leases meanwhile
    Rewrap(rewrap::Arguments),
    /// Serves the bare server on a free port, which it prints; with a database, after one transaction per call
    #[command(hide = true)]
    Serve(bare::Arguments),
}

/// As in `keylease` itself: the bare server is not to lose by it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let extent = arguments.extent;
    let measured = match arguments.what {
        Some(What::Compare) => compare::compare().await,
        Some(What::Baseline) => compare::baseline().await,
        Some(What::Scale(arguments)) => scale::scale(arguments, extent).await,
        Some(What::Database) => database::database(extent).await,
        Some(What::Journal) => journal::journal(extent).await,
        Some(What::Rewrap(arguments)) => rewrap::rewrap(arguments, extent).await,
        Some(What::Serve(arguments)) => bare::serve(arguments).await,
        None => {
            say("nothing is measured here; `make bench` does");
            Ok(())
        }
    };
    measured.map_or_else(
        |error| {
            let _ = writeln!(std::io::stderr(), "bench: {error:#}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

/// A line for whoever watches, at once.
fn say(line: &str) {
    let mut out = std::io::stdout();
    // Nobody reads any more: there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Any free port of this machine.
const LOOPBACK: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
