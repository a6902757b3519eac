//! How many probes are at one provider at once: one that is slow keeps no place that others need.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// Probes of one replica at one host at once.
const PLACES_MAX: usize = 8;
/// Hosts that are remembered; more than a vault has accounts of are forgotten where nobody is there.
const HOSTS_MAX: usize = 1_024;

/// Places, by host.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Places {
    /// Those at a host.
    pub(super) fn of(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.0.lock();
        if hosts.len() >= HOSTS_MAX {
            hosts.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = hosts.entry(host.to_owned());
        Arc::clone(places.or_insert_with(|| Arc::new(Semaphore::new(PLACES_MAX))))
    }
}
