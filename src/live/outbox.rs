//! Reports for other replicas, on their way to the database: batched, bounded, and kept until they are written.

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
    /// Whether no more should be taken: the database has not taken any for long.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.lock().len() >= WAITING_MAX
    }

    /// Takes one along with the next batch.
    pub fn send(&self, issuer: Uuid, report: Vec<u8>) {
        self.waiting.lock().push((issuer, report));
    }

    /// All that wait.
    #[must_use]
    pub fn take(&self) -> Vec<(Uuid, Vec<u8>)> {
        std::mem::take(&mut self.waiting.lock())
    }

    /// These could not be written, or nobody knows whether they were: they come first in the next batch. Their issuers count each once.
    pub fn put_back(&self, reports: &[(Uuid, Vec<u8>)]) {
        self.waiting.lock().splice(0..0, reports.iter().cloned());
    }
}
