//! What lives of a pool: whose turn it is, who waits, and what has been counted. Counters are looked up once, not for every lease.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use parking_lot::Mutex;

use super::sync::AtomicUsize;
use crate::domain::health::FailureClass;
use crate::domain::id::Id;
use crate::metric_names;

/// What lives of a pool.
#[derive(Debug)]
pub struct PoolLive {
    /// By tier, of which a pool has a bounded number.
    turns: Mutex<BTreeMap<u32, Arc<AtomicU64>>>,
    /// Calls that wait.
    pub waiting: AtomicUsize,
    /// Leases given.
    pub leases: Counter,
    id: Id,
    outcomes: Outcomes,
    upstream: OnceLock<Histogram>,
}

/// Outcomes reported. Most classes are never seen in most pools, so each is made when it is first seen.
#[derive(Debug, Default)]
struct Outcomes {
    success: OnceLock<Counter>,
    not_sent: OnceLock<Counter>,
    failures: [OnceLock<Counter>; FailureClass::ALL.len()],
}

/// What an outcome is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The provider did what was asked.
    Success,
    /// The permit went back.
    NotSent,
    /// A failure.
    Failure(FailureClass),
}

impl PoolLive {
    /// No past, of the pool with this id.
    #[must_use]
    pub fn new(id: &Id) -> Self {
        Self {
            turns: Mutex::default(),
            waiting: AtomicUsize::new(0),
            leases: counter!(metric_names::LEASES, "pool" => id.to_string()),
            id: id.clone(),
            outcomes: Outcomes::default(),
            upstream: OnceLock::new(),
        }
    }

    /// The turns of a tier, which go on from one snapshot to the next.
    pub fn turns(&self, tier: u32) -> Arc<AtomicU64> {
        Arc::clone(self.turns.lock().entry(tier).or_default())
    }

    /// So many uses took so long each at their provider.
    pub fn took(&self, uses: u32, latency: Duration) {
        let upstream = self.upstream.get_or_init(
            || histogram!(metric_names::UPSTREAM_SECONDS, "pool" => self.id.to_string()),
        );
        upstream.record_many(latency, uses as usize);
    }

    /// So many uses came to this.
    pub fn count(&self, uses: u32, counted: Counted) {
        let (place, class) = match counted {
            Counted::Success => (&self.outcomes.success, "success"),
            Counted::NotSent => (&self.outcomes.not_sent, "not_sent"),
            Counted::Failure(class) => (&self.outcomes.failures[class as usize], class.as_str()),
        };
        let counter = place.get_or_init(
            || counter!(metric_names::OUTCOMES, "pool" => self.id.to_string(), "class" => class),
        );
        counter.increment(u64::from(uses));
    }
}
