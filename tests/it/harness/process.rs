//! The `keylease` binary as a process of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, with no variable of ours from the environment of the tests.
pub(crate) fn keylease(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keylease"));
    command.args(arguments).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Standard output, then standard error.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// Whether a process runs; one that has ended and is not yet waited for does not.
pub(crate) fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.starts_with(" Z"))
    })
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal, such as `-TERM`.
pub(crate) fn kill(signal: &str, process: u32) {
    let status = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// Kills a process when its own input closes: when this process ends, however it ends. Works on one that is stopped, too.
pub(crate) fn guard(process: u32) -> Child {
    Command::new("/bin/sh")
        .args(["-c", "read -r _; kill -KILL \"$1\"", "keylease-guard"])
        .arg(process.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// `keylease dev` on free ports. It is killed when dropped.
pub(crate) struct Dev {
    child: Child,
    folder: PathBuf,
}

impl Dev {
    /// Starts it in this folder and waits until it serves.
    pub(crate) fn start(folder: &Path) -> Self {
        // What a run that was killed has left.
        let _ = fs::remove_file(folder.join("address"));
        let child = command(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut dev = Self {
            child,
            folder: folder.to_owned(),
        };
        let deadline = Instant::now() + PATIENCE;
        while !folder.join("address").exists() {
            assert!(dev.child.try_wait().unwrap().is_none(), "dev ended");
            assert!(Instant::now() < deadline, "dev does not serve");
            std::thread::sleep(Duration::from_millis(20));
        }
        dev
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The process of its Postgres.
    pub(crate) fn postgres(&self) -> u32 {
        let note = fs::read_to_string(self.folder.join("postgres/data/postmaster.pid")).unwrap();
        note.lines().next().unwrap().parse().unwrap()
    }

    /// Sends a signal and answers whether it ended well.
    pub(crate) fn end(mut self, signal: &str) -> bool {
        kill(signal, self.child.id());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `keylease dev` on free ports, not started.
pub(crate) fn command(folder: &Path) -> Command {
    let free = "127.0.0.1:0";
    let mut command = keylease(&["dev", "--listen", free, "--metrics-listen", free, "--data"]);
    command.arg(folder);
    command
}
