//! What has been reported of leases that are to go on.

use super::{CHUNK_LEASES, Reports, place};
use crate::domain::time::BootTime;

impl Reports {
    /// Whether all of a lease has been reported, as far as is known here.
    #[must_use]
    pub fn is_done(&self, serial: u64) -> bool {
        let state = self.state.lock();
        let chunk = state.chunks.get(&(serial / CHUNK_LEASES));
        let (word, bit) = place(serial);
        chunk.is_some_and(|chunk| chunk.done[word] & bit != 0)
    }

    /// Uses of a lease of which nothing has been reported.
    #[must_use]
    pub fn left(&self, serial: u64, granted: u32) -> u32 {
        if self.is_done(serial) {
            return 0;
        }
        let state = self.state.lock();
        let reported = state.partial.get(&serial).map_or(0, |p| p.reported);
        granted.saturating_sub(reported)
    }

    /// A lease goes on until then: what was reported of it is remembered as long.
    pub fn prolong(&self, serial: u64, until: BootTime) {
        let mut state = self.state.lock();
        if let Some(chunk) = state.chunks.get_mut(&(serial / CHUNK_LEASES)) {
            chunk.ends = chunk.ends.max(until);
        }
        if let Some(partial) = state.partial.get_mut(&serial) {
            partial.ends = partial.ends.max(until);
        }
    }
}
