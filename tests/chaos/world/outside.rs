//! Who is outside of the vault: the provider and the callers, and what they say.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::arrivals::Arrival;
use crate::caller::{self, Call, Said};
use crate::children::Process;
use crate::provider;

/// Processes that call.
pub(super) const CALLERS: u64 = 3;
/// The one key.
pub(super) const KEY: &str = "sk-chaos";

/// What callers have asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) calls: Vec<Call>,
    /// Those that were given no lease.
    pub(crate) refused: usize,
    /// Those that were given no answer.
    pub(crate) failed: usize,
}

impl Asked {
    fn note(&mut self, said: &Said) {
        match said {
            Said::Asked(call) => self.calls.push(*call),
            Said::Refused => self.refused += 1,
            Said::Failed => self.failed += 1,
        }
    }
}

/// A provider, its address, and what arrives at it.
pub(super) fn start_provider(latency: Duration) -> (Process, String, Arc<Mutex<Vec<Arrival>>>) {
    let orders = provider::Orders {
        key: KEY.to_owned(),
        latency,
    };
    let mut process = Process::start("provider", &orders);
    let mut lines = process.lines();
    let address = lines.next().unwrap();
    let arrivals = Arc::<Mutex<Vec<Arrival>>>::default();
    let kept = Arc::clone(&arrivals);
    std::thread::spawn(move || {
        for line in lines {
            kept.lock().push(provider::parse(&line));
        }
    });
    (process, address, arrivals)
}

/// A caller, which is heard until it ends.
pub(super) fn start_caller(orders: &caller::Orders, asked: &Arc<Mutex<Asked>>) -> Process {
    let mut process = Process::start("caller", orders);
    let lines = process.lines();
    let asked = Arc::clone(asked);
    std::thread::spawn(move || {
        // The last one is cut short where it is killed.
        for said in lines.map_while(|line| serde_json::from_str(&line).ok()) {
            asked.lock().note(&said);
        }
    });
    process
}
