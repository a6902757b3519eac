//! `keylease status`: a pool at a glance, once or as it changes.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::{flags, names, output};
use crate::proto::{self, PoolStatus};

mod keys;
mod limits;
mod models;
mod offline;
mod render;

/// What the help ends with.
pub(crate) const HELP: &str = "\
Counts of leases and failures are those of the replica that answers, since it started; limits are those of the whole fleet.
With --json every status is one line when watching, so that `jq` can follow.

Examples:
  keylease status openai-prod
  keylease status openai-prod --watch --interval 5s
  keylease status openai-prod --json | jq '.keys[] | select(.rotation_overdue) | .key'";

/// Clears the screen and goes to its top.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Which pool, and whether to go on.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The pool, short (openai-prod) or full (pools/openai-prod)
    pool: String,
    /// Go on until interrupted, drawing anew on a terminal
    #[arg(long)]
    watch: bool,
    /// From one status to the next: 1s to 1h [default: 2s]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration, requires = "watch")]
    interval: Option<prost_types::Duration>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Runs the verb.
pub(crate) async fn run(args: StatusArgs) -> Result<(), Failure> {
    let pool = names::pool(&args.pool)?;
    if args.watch {
        return watch(&args, pool).await;
    }
    let request = proto::GetStatusRequest { pool };
    let answer = args.client.admin().await?.get_status(request).await?;
    let status = present(answer.into_inner().status)?;
    output::show(args.client.json, &status, render::pool)
}

async fn watch(args: &StatusArgs, pool: String) -> Result<(), Failure> {
    let interval = args.interval;
    let request = proto::WatchStatusRequest { pool, interval };
    let mut admin = args.client.admin_stream().await?;
    let mut stream = admin.watch_status(request).await?.into_inner();
    let clear = if io::stdout().is_terminal() {
        CLEAR
    } else {
        ""
    };
    while let Some(answer) = stream.message().await? {
        let status = present(answer.status)?;
        if args.client.json {
            output::show_json_line(&status)?;
        } else {
            io::stdout().write_all(clear.as_bytes())?;
            output::line(&format!("{}\n", render::pool(&status)))?;
        }
    }
    Err(Failure::Unreachable(
        "the server ended the stream: it is shutting down, or has moved the connection".into(),
    ))
}

fn present(status: Option<PoolStatus>) -> Result<PoolStatus, Failure> {
    status.ok_or_else(|| Failure::answer_lacks("status"))
}
