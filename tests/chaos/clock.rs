//! One clock for all processes of a run: time since the host booted, suspend included. It is read apart from the vault's own code.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Since the host booted.
pub(crate) fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap())
}
