//! Whether this replica still gives leases.

use std::sync::atomic::Ordering;

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

    /// Whether this replica is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }
}
