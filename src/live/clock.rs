//! This replica's clocks: boot time for what it promises, the database's time, as last sampled, for what the fleet shares.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use crate::domain::ledger::clock::ClockSamples;
use crate::domain::limit::Terms;
use crate::domain::time::{BootTime, Timestamp};

/// Time since this host booted, suspend included.
#[must_use]
pub fn boot_now() -> BootTime {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    BootTime::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// The database's clock as this replica knows it.
#[derive(Debug, Default)]
pub struct DatabaseClock {
    samples: Mutex<ClockSamples>,
}

impl DatabaseClock {
    /// Takes a sample.
    pub fn sample(&self, database: Timestamp, answered: BootTime) {
        self.samples.lock().add(database, answered);
    }

    /// The database's time at `now`; the host's own before the first sample.
    #[must_use]
    pub fn at(&self, now: BootTime) -> Timestamp {
        let known = self.samples.lock().database_time(now);
        known.unwrap_or_else(host_time)
    }

    /// The most that the time can be for a limit: see [`ClockSamples::believed`].
    pub fn believed(
        &self,
        limit: Uuid,
        last_low: Timestamp,
        terms: &Terms,
        sent: BootTime,
    ) -> Timestamp {
        let mut samples = self.samples.lock();
        samples.believed(limit, last_low, terms.charge_time(), terms.epsilon(), sent)
    }
}

fn host_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.map_or(0, |s| i64::try_from(s.as_micros()).unwrap_or(i64::MAX));
    Timestamp::from_micros(micros)
}
