//! What lives of a pool: whose turn it is, who waits, and what has been counted. Counters are looked up once, not for every lease.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use metrics::{Counter, counter};

use crate::domain::health::FailureClass;
use crate::domain::id::Id;
use crate::metric_names;

/// What lives of a pool.
#[derive(Debug)]
pub struct PoolLive {
    /// Counts leases, to take turns.
    pub turns: AtomicU64,
    /// Calls that wait.
    pub waiting: AtomicUsize,
    /// Leases given.
    pub leases: Counter,
    id: Id,
    outcomes: Outcomes,
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
            turns: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            leases: counter!(metric_names::LEASES, "pool" => id.to_string()),
            id: id.clone(),
            outcomes: Outcomes::default(),
        }
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
