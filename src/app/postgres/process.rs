//! The server's process. A small shell stands between us and it: when its input closes, because we ask or because we are no more,
//! it shuts the server down. So no server outlives us, and no unsafe code is needed for that.

use std::os::unix::process::CommandExt;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{
    LOOK_EVERY, Options, PORT, STOP_WITHIN, binaries::Binaries, errors::StartError, folder::Folder,
    identity::Identity,
};

/// `$1` is a folder to remove afterwards, or empty; the rest is the server's command. Fast shutdown is SIGINT. Input 3 is ours, since
/// a shell gives what runs in the background no input.
const GUARD: &str = r#"
remove=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill -INT "$server"; } &
watch=$!
exec 3<&-
wait "$server"; code=$?
kill "$watch"
[ -z "$remove" ] || rm -rf -- "$remove"
exit "$code"
"#;

/// A running server and its guard.
#[derive(Debug)]
pub(super) struct Process {
    guard: Child,
}

impl Process {
    /// Starts the server; it is not ready yet.
    pub(super) fn spawn(
        binaries: &Binaries,
        identity: &Identity,
        folder: &Folder,
        options: &Options,
    ) -> Result<Self, StartError> {
        let log = folder.open_log(identity)?;
        let errors = log
            .try_clone()
            .map_err(StartError::io("open", folder.log()))?;
        let mut command = identity.command("/bin/sh");
        command.args(["-c", GUARD, "keylease-postgres-guard"]);
        command.arg(if options.ephemeral {
            folder.path()
        } else {
            Path::new("")
        });
        command.arg(binaries.postgres());
        server_arguments(&mut command, folder, options);
        // A group of its own, since Ctrl-C at a terminal reaches the whole group, and we must drain before Postgres goes.
        command.process_group(0);
        let guard = command
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(StartError::io("run", "/bin/sh"))?;
        Ok(Self { guard })
    }

    /// Whether the server, and with it the guard, has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.guard.try_wait(), Ok(None))
    }

    /// Asks for a fast shutdown, by closing the guard's input.
    pub(super) fn ask_to_stop(&mut self) {
        drop(self.guard.stdin.take());
    }
}

impl Drop for Process {
    /// Stops the server and waits for it: whoever drops it may remove or reuse the folder next.
    fn drop(&mut self) {
        self.ask_to_stop();
        let deadline = Instant::now() + STOP_WITHIN;
        while !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn server_arguments(command: &mut Command, folder: &Folder, options: &Options) {
    command
        .arg("-D")
        .arg(folder.data())
        .arg("-k")
        .arg(folder.socket());
    let connections = format!("max_connections={}", options.connections_max);
    let port = format!("port={PORT}");
    let mut settings = vec![
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "logging_collector=off",
        "log_destination=stderr",
        &port,
        &connections,
    ];
    if !options.durable {
        settings.extend(["fsync=off", "full_page_writes=off"]);
    }
    for setting in settings {
        command.args(["-c", setting]);
    }
}

/// Stops a server that an earlier run left on this data. Its guard normally has; this is for when the guard was killed too.
pub(super) async fn stop_left_over(data: &Path) -> Result<(), StartError> {
    let Some(pid) = server_on(data) else {
        return Ok(());
    };
    let deadline = tokio::time::Instant::now() + STOP_WITHIN;
    // An error says that it has just ended, which the loop sees too.
    let _ = kill_process(pid, Signal::INT);
    while server_on(data) == Some(pid) {
        if tokio::time::Instant::now() >= deadline {
            return Err(StartError::LeftOver {
                pid: pid.as_raw_nonzero().get(),
                data: data.to_owned(),
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Ends a server that did not stop: at once, with recovery at the next start.
pub(super) fn kill(data: &Path) {
    if let Some(pid) = server_on(data) {
        // An error says that it has ended.
        let _ = kill_process(pid, Signal::QUIT);
    }
}

/// The live server that the data's own note names; the note of a crashed one may name a stranger.
fn server_on(data: &Path) -> Option<Pid> {
    let note = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(note.lines().next()?.trim().parse().ok()?)?;
    test_kill_process(pid).ok()?;
    works_in(pid, data).then_some(pid)
}

/// Whether the process is a server on this data: it works in its data's folder. Where the system has no /proc, being named postgres
/// must do.
fn works_in(pid: Pid, data: &Path) -> bool {
    let number = pid.as_raw_nonzero().get();
    if Path::new("/proc/self/cwd").exists() {
        let folder: Option<PathBuf> = fs::read_link(format!("/proc/{number}/cwd")).ok();
        return folder.as_deref() == Some(data);
    }
    let output = Command::new("ps")
        .args(["-o", "comm=", "-p", &number.to_string()])
        .output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("postgres"))
}
