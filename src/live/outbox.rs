//! Reports for other replicas, on their way to the database: batched, bounded, and lost without harm, since silence keeps the charge.

use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

/// The most reports that wait to be written.
const WAITING_MAX: usize = 50_000;
/// How often they are written.
pub const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// Reports for other replicas.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Vec<(Uuid, Vec<u8>)>>,
}

impl Outbox {
    /// Takes one along with the next batch; if too many wait, it is dropped: its lease keeps its full charge.
    pub fn send(&self, issuer: Uuid, report: Vec<u8>) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < WAITING_MAX {
            waiting.push((issuer, report));
        }
    }

    /// All that wait.
    #[must_use]
    pub fn take(&self) -> Vec<(Uuid, Vec<u8>)> {
        std::mem::take(&mut self.waiting.lock())
    }
}
