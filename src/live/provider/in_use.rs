//! Whether several keys of a provider are in use. Noted for every lease, so without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::ProviderLive;
use crate::domain::time::{Timestamp, micros_of};

/// How long after two keys were used in turn several count as being in use.
const IN_TURN: Duration = Duration::from_mins(2);

/// The keys that were used lately.
#[derive(Debug)]
pub(super) struct InUse {
    /// The last key that was used, in short.
    last: AtomicU64,
    /// When another was used than the last one.
    mixed: AtomicI64,
}

impl Default for InUse {
    fn default() -> Self {
        Self {
            last: AtomicU64::default(),
            mixed: AtomicI64::new(i64::MIN),
        }
    }
}

impl InUse {
    /// Off by one where threads meet, which guards nothing.
    fn used(&self, version: Uuid, now: Timestamp) {
        let short = version.as_u64_pair().1;
        let last = self.last.load(Ordering::Relaxed);
        if last != short {
            self.last.store(short, Ordering::Relaxed);
            let mixed = if last == 0 { i64::MIN } else { now.micros() };
            self.mixed.store(mixed, Ordering::Relaxed);
        }
    }

    /// Whether two keys were used in turn lately.
    pub(super) fn are_several(&self, now: Timestamp) -> bool {
        let mixed = self.mixed.load(Ordering::Relaxed);
        now.micros() < mixed.saturating_add(micros_of(IN_TURN))
    }
}

impl ProviderLive {
    /// A lease of this version is given.
    pub fn used(&self, version: Uuid, now: Timestamp) {
        self.in_use.used(version, now);
    }
}
