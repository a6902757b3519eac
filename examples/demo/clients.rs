//! The client processes, and what they count.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinHandle;

use crate::admin::POOL;
use crate::process::{Binaries, command, end};
use crate::server::Server;
use crate::tally::Tally;

/// How many processes.
pub(crate) const CLIENTS: usize = 3;

/// Requests a second that each would like to make. Together they want half as much again as the provider allows.
const RATE: u32 = 10;

/// How long a client may take to finish what is under way.
const FINISH_MAX: Duration = Duration::from_secs(15);

/// Requests a second that all of them would like to make together.
pub(crate) fn wanted() -> u64 {
    u64::from(RATE) * CLIENTS as u64
}

/// A client process.
#[derive(Debug)]
pub(crate) struct Client {
    child: Child,
    tally: Arc<Mutex<Tally>>,
    reader: JoinHandle<()>,
}

/// Starts them all.
pub(crate) fn start(
    binaries: &Binaries,
    server: &Server,
    length: Duration,
) -> anyhow::Result<Vec<Client>> {
    (0..CLIENTS)
        .map(|_| Client::start(binaries, server, length))
        .collect()
}

impl Client {
    fn start(binaries: &Binaries, server: &Server, length: Duration) -> anyhow::Result<Self> {
        let mut child = command(&binaries.client)
            .args(["--pool", POOL])
            .args(["--rate", &RATE.to_string()])
            .args(["--seconds", &length.as_secs().to_string()])
            .env("KEYLEASE_SERVER", &server.url)
            .env("KEYLEASE_TOKEN_FILE", server.token_file("lessee"))
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a client process")?;
        let stdout = child.stdout.take().context("a client without stdout")?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let reader = tokio::spawn(read(stdout, Arc::clone(&tally)));
        Ok(Self {
            child,
            tally,
            reader,
        })
    }

    /// What it counted so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().clone()
    }

    /// Waits for its end. What it counted, and what was wrong with it.
    pub(crate) async fn finish(mut self) -> (Tally, Option<String>) {
        let trouble = match tokio::time::timeout(FINISH_MAX, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => None,
            Ok(Ok(status)) => Some(format!("a client ended with {status}")),
            Ok(Err(error)) => Some(format!("a client is lost: {error}")),
            Err(_) => {
                self.stop().await;
                Some(format!("a client did not finish within {FINISH_MAX:?}"))
            }
        };
        let _ = (&mut self.reader).await;
        (self.tally(), trouble)
    }

    /// Ends it now.
    pub(crate) async fn stop(&mut self) {
        end(&mut self.child, Duration::from_secs(2)).await;
    }
}

/// The sum over all clients.
pub(crate) fn total(clients: &[Client]) -> Tally {
    let mut total = Tally::default();
    for client in clients {
        total += &client.tally();
    }
    total
}

async fn read(stdout: ChildStdout, tally: Arc<Mutex<Tally>>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(latest) = serde_json::from_str(&line) {
            *tally.lock() = latest;
        }
    }
}
