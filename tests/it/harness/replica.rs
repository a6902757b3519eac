//! `keylease serve` as a process of its own. Everything it says is kept, and it never outlives the tests.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::process::{guard, kill};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a process.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running replica. It is killed when dropped.
pub(crate) struct Replica {
    child: Child,
    guard: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    /// Where gRPC is.
    pub(crate) address: SocketAddr,
    /// Where /metrics is.
    metrics: SocketAddr,
}

/// How a replica ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// From the signal on.
    pub(crate) took: Duration,
}

impl Replica {
    /// Starts it, and waits until it serves. It must log JSON, with at least what is of level info.
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let guard = guard(child.id());
        let said = Arc::<Mutex<String>>::default();
        let readers = vec![
            keep(child.stdout.take().unwrap(), &said),
            keep(child.stderr.take().unwrap(), &said),
        ];
        let deadline = Instant::now() + PATIENCE;
        let (address, metrics) = loop {
            if let Some(addresses) = serving(&said.lock()) {
                break addresses;
            }
            let ended = child.try_wait().unwrap();
            let text = said.lock().clone();
            assert!(ended.is_none(), "the replica ended: {text}");
            assert!(Instant::now() < deadline, "it does not serve: {text}");
            tokio::time::sleep(LOOK_EVERY).await;
        };
        Self {
            child,
            guard,
            said,
            readers,
            address,
            metrics,
        }
    }

    /// Everything it has said so far, to standard output and standard error.
    pub(crate) fn said(&self) -> String {
        self.said.lock().clone()
    }

    /// What /metrics shows.
    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.metrics);
        let page = reqwest::get(url).await.unwrap();
        page.error_for_status().unwrap().text().await.unwrap()
    }

    /// The value of a metric, with its labels as they are shown; `None` if it is not there.
    pub(crate) async fn metric(&self, name_and_labels: &str) -> Option<f64> {
        let page = self.metrics().await;
        let line = page.lines().find_map(|line| {
            let rest = line.strip_prefix(name_and_labels)?;
            rest.strip_prefix(' ')
        });
        line.map(|value| value.parse().unwrap())
    }

    /// Sends a signal, such as `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, self.child.id());
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn end(&mut self, signal: &str) -> Ended {
        let began = Instant::now();
        self.signal(signal);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it said last is read to its end.
                self.readers
                    .drain(..)
                    .for_each(|reader| reader.join().unwrap());
                let took = began.elapsed();
                return Ended { status, took };
            }
            assert!(
                began.elapsed() < PATIENCE,
                "it does not end: {}",
                self.said()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // The guard first, since it kills by number, and the number is free once the replica has been waited for.
        for process in [&mut self.guard, &mut self.child] {
            // It has ended already where the test ended it.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Keeps what comes out of a pipe, line by line.
fn keep(pipe: impl Read + Send + 'static, said: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            said.lock().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// The addresses of gRPC and of /metrics, once it says that it serves.
fn serving(said: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line = said.lines().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        (line["message"] == "serving").then_some(line)
    })?;
    let address = |field: &str| line[field].as_str().unwrap().parse().unwrap();
    Some((address("listen"), address("metrics.listen")))
}
