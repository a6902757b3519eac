//! Load by `h2load`, which costs less per call than any server here. It sees HTTP statuses only, so whoever calls it counts leases too.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::process;

/// Connections, as of a few busy services.
const CONNECTIONS: u64 = 16;
/// Calls at once on each.
const STREAMS: u64 = 16;
/// A rate that is held begins with this much that does not count: permits are asked for in small blocks until demand is known.
const SETTLED_MICROS: u64 = 2_000_000;
/// How often it is looked at how long the generator has worked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What is called, with which message.
#[derive(Debug)]
pub(crate) struct Target {
    /// The method's URL.
    pub(crate) url: String,
    /// A file with the message, framed.
    body: PathBuf,
    /// `Bearer …`. On a command line, where everybody can read it: it opens a vault that lives for one run.
    authorization: String,
}

/// What came of some calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Calls answered per second.
    pub(crate) rate: f64,
    /// Cores that the generator used: near 1, it is the bottleneck, since it is one thread.
    pub(crate) generator_cores: f64,
}

impl Target {
    /// Writes the message below `folder`.
    pub(crate) fn new(
        folder: &Path,
        name: &str,
        url: String,
        message: &[u8],
        authorization: &str,
    ) -> anyhow::Result<Self> {
        let body = folder.join(name);
        let length = u32::try_from(message.len())?.to_be_bytes();
        std::fs::write(&body, [&[0], &length[..], message].concat())?;
        Ok(Self {
            url,
            body,
            authorization: authorization.to_owned(),
        })
    }

    /// Calls as fast as the answers come.
    pub(crate) async fn flood(&self, calls: u64) -> anyhow::Result<Load> {
        self.run(calls, &[]).await
    }

    /// Calls at a steady rate, and the time within which 99 of 100 were answered once it had settled.
    pub(crate) async fn steady(&self, rate: u64, seconds: u64) -> anyhow::Result<(Load, Duration)> {
        let log = self.body.with_extension("log");
        let _ = std::fs::remove_file(&log);
        let each = (rate / CONNECTIONS).max(1).to_string();
        let flags = ["--rps", &each, "--log-file", &log.to_string_lossy()];
        let load = self.run(rate * seconds, &flags).await?;
        Ok((load, percentile_99(&std::fs::read_to_string(&log)?)?))
    }

    async fn run(&self, calls: u64, flags: &[&str]) -> anyhow::Result<Load> {
        let mut command = Command::new("h2load");
        command
            .args(["-n", &calls.to_string(), "-t", "1"])
            .args(["-c", &CONNECTIONS.to_string(), "-m", &STREAMS.to_string()])
            .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
            .args(["-H", &format!("authorization: {}", self.authorization)])
            .arg("-d")
            .arg(&self.body)
            .args(flags)
            .arg(&self.url)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let child = command.stdout(Stdio::piped()).spawn();
        let child = child.context("h2load can't be started")?;
        let pid = child.id().context("h2load has ended")?;
        let mut worked = Duration::ZERO;
        let output = child.wait_with_output();
        tokio::pin!(output);
        let output = loop {
            tokio::select! {
                output = &mut output => break output?,
                () = tokio::time::sleep(LOOK_EVERY) => worked = process::cpu(pid).unwrap_or(worked),
            }
        };
        parse(&String::from_utf8_lossy(&output.stdout), calls, worked)
    }
}

/// Every call must have been answered with HTTP 200.
fn parse(said: &str, calls: u64, worked: Duration) -> anyhow::Result<Load> {
    let line = |start: &str| said.lines().find(|line| line.starts_with(start));
    let statuses = line("status codes:").context("h2load said no statuses")?;
    if !statuses.contains(&format!(" {calls} 2xx")) {
        bail!("of {calls} calls not all were answered: {statuses}");
    }
    let finished = line("finished in").context("h2load did not finish")?;
    let rate = finished.split(", ").nth(1);
    let rate = rate.and_then(|rate| rate.strip_suffix(" req/s"));
    let rate: f64 = rate.context("h2load said no rate")?.parse()?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let seconds = calls as f64 / rate;
    Ok(Load {
        rate,
        generator_cores: worked.as_secs_f64() / seconds,
    })
}

/// Of a log with the start and the time taken in microseconds as its first and third columns, without the calls of its beginning.
fn percentile_99(log: &str) -> anyhow::Result<Duration> {
    let calls = log.lines().map(|line| {
        let mut columns = line.split('\t').map(str::parse::<u64>);
        let (start, taken) = (columns.next(), columns.nth(1));
        Ok((start.context("no start")??, taken.context("no time")??))
    });
    let calls: Vec<(u64, u64)> = calls.collect::<anyhow::Result<_>>()?;
    let first = calls.iter().map(|(start, _)| *start).min().unwrap_or(0);
    let settled = calls
        .iter()
        .filter(|(start, _)| start - first >= SETTLED_MICROS);
    let mut micros: Vec<u64> = settled.map(|(_, taken)| *taken).collect();
    micros.sort_unstable();
    let at = micros.len() * 99 / 100;
    let micros = micros.get(at).context("an empty log")?;
    Ok(Duration::from_micros(*micros))
}
