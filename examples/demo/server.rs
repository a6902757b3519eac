//! The vault under test: `keylease dev` in the scratch folder, and its commands.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::process::{Binaries, command, end};

/// The first start makes a database, which takes a slow disk some seconds.
const START_MAX: Duration = Duration::from_secs(90);

/// It drains its leases and stops its Postgres.
const STOP_MAX: Duration = Duration::from_secs(30);

/// A running `keylease dev`.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    /// `http://host:port`.
    pub(crate) url: String,
}

impl Server {
    /// Starts it on free ports, with everything it keeps below `scratch`. Does not wait for it: see `ready`.
    pub(crate) fn start(binaries: &Binaries, scratch: &Path) -> anyhow::Result<Self> {
        let data = scratch.join("keylease");
        let log = scratch.join("keylease.log");
        let output = std::fs::File::create(&log).context("cannot write to the scratch folder")?;
        let child = command(&binaries.keylease)
            .args([
                "dev",
                "--listen",
                "127.0.0.1:0",
                "--metrics-listen",
                "off",
                "--data",
            ])
            .arg(&data)
            .current_dir(scratch)
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output))
            // Killed, it could not stop its Postgres.
            .kill_on_drop(false)
            .spawn()
            .context("cannot start keylease dev")?;
        // The script that started the demo ends it, should the demo be killed.
        if let Some(pid) = child.id() {
            std::fs::write(scratch.join("keylease.pid"), pid.to_string())?;
        }
        Ok(Self {
            child,
            binary: binaries.keylease.clone(),
            data,
            log,
            url: String::new(),
        })
    }

    /// Waits until it serves.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<()> {
        let patience = Instant::now() + START_MAX;
        let address_file = self.data.join("address");
        while Instant::now() < patience {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "keylease dev ended ({status}); its log ends:\n{}",
                    self.log_end()
                );
            }
            let address = std::fs::read_to_string(&address_file).unwrap_or_default();
            if address.ends_with('\n') && self.token_file("lessee").exists() {
                self.url = format!("http://{}", address.trim());
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!(
            "keylease dev did not start within {START_MAX:?}; its log ends:\n{}",
            self.log_end()
        )
    }

    /// The file with the token of a caller that dev made: `admin` or `lessee`.
    pub(crate) fn token_file(&self, caller: &str) -> PathBuf {
        self.data.join(format!("{caller}.token"))
    }

    /// A keylease command that speaks to this server as the admin.
    pub(crate) fn command(&self) -> Command {
        let mut command = command(&self.binary);
        command
            .env("KEYLEASE_SERVER", &self.url)
            .env("KEYLEASE_TOKEN_FILE", self.token_file("admin"));
        command
    }

    /// Stops it, and with it its Postgres.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if end(&mut self.child, STOP_MAX).await {
            return Ok(());
        }
        bail!(
            "keylease dev did not stop within {STOP_MAX:?}; its log ends:\n{}",
            self.log_end()
        )
    }

    /// The end of its log.
    pub(crate) fn log_end(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
