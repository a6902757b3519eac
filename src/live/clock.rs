//! This replica's clocks: boot time for what it promises, the database's time for what the fleet shares.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use crate::domain::canary::{self, Right};
use crate::domain::ledger::clock::{Believed, ClockSamples};
use crate::domain::ledger::losable::LEAD;
use crate::domain::time::{BootTime, Timestamp};

/// Time since this host booted, suspend included.
#[must_use]
pub fn boot_now() -> BootTime {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    BootTime::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// The clocks of whoever runs a transaction of the ledger: the host's and the database's, or others that a test sets.
pub trait LedgerClock {
    /// The boot clock.
    fn boot_now(&self) -> BootTime;

    /// Takes a sample of the database's: see [`ClockSamples::add`].
    fn sample(&self, database: Timestamp, asked: BootTime, answered: BootTime);

    /// What the time can be for a limit: see [`ClockSamples`].
    fn believed(
        &self,
        limit: Uuid,
        last_low: Timestamp,
        looks: (Duration, Duration),
        sent: BootTime,
    ) -> Believed;

    /// The most that the time can be for what a failover may lose: see [`Believed`]. It is ahead of it by [`LEAD`] at most.
    fn recent(
        &self,
        limit: Uuid,
        last_low: Timestamp,
        reach: Duration,
        sent: BootTime,
    ) -> Timestamp;
}

/// No sample has been taken.
const UNKNOWN: i64 = i64::MIN;

/// The database's clock as this replica knows it.
#[derive(Debug)]
pub struct DatabaseClock {
    samples: Mutex<ClockSamples>,
    /// Database time less boot time, in microseconds: every lease reads it, and must not wait for the samples.
    offset: AtomicI64,
}

impl Default for DatabaseClock {
    fn default() -> Self {
        Self {
            samples: Mutex::default(),
            offset: AtomicI64::new(UNKNOWN),
        }
    }
}

impl DatabaseClock {
    /// Takes a sample: see [`ClockSamples::add`].
    pub fn sample(&self, database: Timestamp, asked: BootTime, answered: BootTime) {
        let mut samples = self.samples.lock();
        samples.add(database, asked, answered);
        if let Some(known) = samples.database_time(answered) {
            let offset = known.micros().saturating_sub(answered.micros());
            self.offset.store(offset, Ordering::Relaxed);
        }
    }

    /// The database's time at `now`; the host's own before the first sample.
    #[must_use]
    pub fn at(&self, now: BootTime) -> Timestamp {
        match self.offset.load(Ordering::Relaxed) {
            UNKNOWN => host_time(),
            offset => Timestamp::from_micros(offset.saturating_add(now.micros())),
        }
    }

    /// Whether the database's clock was ever read.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.offset.load(Ordering::Relaxed) != UNKNOWN
    }

    /// The most that the time can be for the right to a canary, in the same way.
    pub fn believed_of(&self, right: &Right, sent: BootTime) -> Timestamp {
        let (id, reach) = (right.id, right.reach());
        let mut samples = self.samples.lock();
        samples.believed(id, right.low, reach, canary::epsilon(reach) / 2, sent)
    }
}

impl LedgerClock for DatabaseClock {
    fn boot_now(&self) -> BootTime {
        boot_now()
    }

    fn sample(&self, database: Timestamp, asked: BootTime, answered: BootTime) {
        self.sample(database, asked, answered);
    }

    fn believed(
        &self,
        limit: Uuid,
        last_low: Timestamp,
        (reach, lead): (Duration, Duration),
        sent: BootTime,
    ) -> Believed {
        let mut samples = self.samples.lock();
        let most = samples.believed(limit, last_low, reach, lead, sent);
        Believed {
            least: samples.least(),
            most,
            recent: most,
        }
    }

    fn recent(
        &self,
        limit: Uuid,
        last_low: Timestamp,
        reach: Duration,
        sent: BootTime,
    ) -> Timestamp {
        // What is kept of its clocks for another reach is kept apart.
        let id = Uuid::from_u128(!limit.as_u128());
        let mut samples = self.samples.lock();
        samples.believed(id, last_low, reach, LEAD, sent)
    }
}

/// The time by this host's own clock: what those hold against theirs who know nothing of the database.
#[must_use]
pub fn host_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.map_or(0, |s| i64::try_from(s.as_micros()).unwrap_or(i64::MAX));
    Timestamp::from_micros(micros)
}
