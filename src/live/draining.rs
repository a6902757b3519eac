//! Whether this replica still gives leases.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Live;

impl Live {
    /// No new leases from now on.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
        self.drained.cancel();
    }

    /// Until no new leases are given.
    pub async fn drained(&self) {
        self.drained.cancelled().await;
    }

    /// For how long it gives leases by a configuration that it cannot read anew.
    #[must_use]
    pub const fn snapshot_age_max(&self) -> Duration {
        self.snapshot_age_max
    }

    /// Whether this replica is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }
}
