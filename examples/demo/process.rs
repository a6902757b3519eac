//! Processes that the demo starts. Each is its own process group, so that Ctrl-C reaches the demo alone and it can end them in order.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Where the binaries of one build lie.
#[derive(Debug)]
pub(crate) struct Binaries {
    pub(crate) keylease: PathBuf,
    pub(crate) client: PathBuf,
}

impl Binaries {
    /// Finds them beside the demo itself: `target/PROFILE/examples/demo`.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let demo = std::env::current_exe().context("cannot tell where the demo lies")?;
        let examples = demo.parent().context("the demo lies in no folder")?;
        let profile = examples
            .parent()
            .context("the demo lies in no build folder")?;
        let binaries = Self {
            keylease: profile.join("keylease"),
            client: examples.join("demo_client"),
        };
        for binary in [&binaries.keylease, &binaries.client] {
            if !binary.exists() {
                bail!(
                    "{} is missing; start the demo with `make demo`",
                    binary.display()
                );
            }
        }
        Ok(binaries)
    }
}

/// A command in a process group of its own, which dies with the demo at the latest. Settings of whoever started the demo are not for it.
pub(crate) fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        let ours = name
            .to_str()
            .is_some_and(|name| name.starts_with("KEYLEASE_"));
        // The one that the script may have found.
        if ours && name != "KEYLEASE_POSTGRES_BIN" {
            command.env_remove(name);
        }
    }
    command
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end with a secret on its stdin; what it said is in the error if it fails.
pub(crate) async fn run(mut command: Command, stdin: &str) -> anyhow::Result<String> {
    let what = format!("{:?}", command.as_std().get_args());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start keylease {what}"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that does not read it closes the pipe, which is no failure of its own.
        let _ = pipe.write_all(stdin.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "keylease {what} failed ({}): {}",
            output.status,
            said.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Ends a process: politely, then after `patience` by force. True if it went by itself.
pub(crate) async fn end(child: &mut Child, patience: Duration) -> bool {
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid {
        let _ = kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(patience, child.wait()).await.is_ok() {
        return true;
    }
    let _ = child.kill().await;
    false
}
