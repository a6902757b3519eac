//! Servers as processes of their own, and what the system says about them.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, Command};

/// A cold start on a busy machine; longer is a fault.
const START_MAX: Duration = Duration::from_secs(60);
/// As /proc counts time, on every machine that Rust and Postgres run on.
const TICKS_PER_SECOND: u64 = 100;
/// A drain, and then some.
const END_MAX: Duration = Duration::from_secs(30);

/// A server under load.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pid: u32,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server and waits until a line of its standard error says where it listens, in JSON as `keylease serve` logs it. What it
    /// says later is passed on if it warns.
    pub(crate) async fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("a server can't be started")?;
        let said = child.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(said).lines();
        let address = tokio::time::timeout(START_MAX, address(&mut lines)).await;
        let address = address.context("a server did not start in time")??;
        let pid = child.id().context("a server has ended")?;
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("WARN") || line.contains("ERROR") {
                    crate::say(&line);
                }
            }
        });
        Ok(Self {
            child,
            pid,
            address,
        })
    }

    /// Time on a core so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(self.pid)
    }

    /// Memory in RAM, in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|rest| rest.split_whitespace().next());
        let kibibytes: u64 = kibibytes.context("no VmRSS")?.parse()?;
        Ok(kibibytes * 1024)
    }

    /// Ends it in order.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid)?).context("no process")?;
        kill_process(pid, Signal::TERM)?;
        tokio::time::timeout(END_MAX, self.child.wait()).await??;
        Ok(())
    }
}

/// Time that a process has spent on a core.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything; the fields after it are numbered from 3.
    let (_, rest) = stat.rsplit_once(')').context("no name in stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let (Some(user), Some(system)) = (fields.get(11), fields.get(12)) else {
        bail!("no times in stat");
    };
    let ticks: u64 = user.parse::<u64>()? + system.parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// This build's `keylease`, with no variable of ours from the environment.
pub(crate) fn keylease(arguments: &[&str]) -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_keylease")), arguments)
}

/// This program, as another process.
pub(crate) fn bench(arguments: &[&str]) -> anyhow::Result<Command> {
    Ok(command(&std::env::current_exe()?, arguments))
}

fn command(binary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

async fn address<R: AsyncBufRead + Unpin>(lines: &mut Lines<R>) -> anyhow::Result<SocketAddr> {
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await? {
        let json: Option<serde_json::Value> = serde_json::from_str(&line).ok();
        let listen = json.as_ref().and_then(|json| json["listen"].as_str());
        if let Some(listen) = listen {
            return Ok(listen.parse()?);
        }
        said.push(line);
    }
    bail!("a server ended at once: {}", said.join("; "))
}
