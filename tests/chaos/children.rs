//! This program as another process: a caller, or the provider.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::harness::process::{guard, kill};

/// A process of this program. It is killed when dropped, and never outlives this process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    guard: Child,
}

impl Process {
    /// Starts it in a role.
    pub(crate) fn start(role: &str, orders: &impl Serialize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(format!("--as={role}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let guard = guard(child.id());
        let orders = serde_json::to_string(orders).unwrap();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{orders}").unwrap();
        Self { child, guard }
    }

    /// What it says.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = String> + Send + use<> {
        let out: ChildStdout = self.child.stdout.take().unwrap();
        BufReader::new(out).lines().map_while(Result::ok)
    }

    /// Sends a signal, such as `-STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, self.child.id());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The guard first, since it kills by number, and the number is free once the process has been waited for.
        for process in [&mut self.guard, &mut self.child] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// In the process that was started: says a line.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

/// In the process that was started: its orders.
pub(crate) fn orders<T: DeserializeOwned>() -> T {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}
