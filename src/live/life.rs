//! What this replica remembers of the database, and its doubts about it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::ledger::losable::Losable;
use crate::domain::ledger::standing::{Memory, Replication};
use crate::domain::time::BootTime;

/// What this replica remembers of the database.
#[derive(Debug, Default)]
pub struct Life {
    memory: Mutex<Memory>,
    doubts: Notify,
    swept: AtomicI64,
    epoch: AtomicU64,
    /// What the database may lose, in nanoseconds.
    loses_within: AtomicU64,
    /// When the database was known to have heard of this replica first, or first after it had forgotten it.
    came: Mutex<Option<BootTime>>,
}

impl Life {
    /// What was last acknowledged.
    #[must_use]
    pub fn memory(&self) -> Memory {
        *self.memory.lock()
    }

    /// This was acknowledged. What comes late, after something newer, is forgotten: else the database would seem to know too little.
    pub fn remember(&self, memory: Memory) {
        let mut known = self.memory.lock();
        if memory.beats <= known.beats {
            return;
        }
        if ![0, memory.incarnation].contains(&known.incarnation) {
            self.upset();
        }
        *known = memory;
    }

    /// Changes whenever the database turns out to be another one, or to have lost writes. Revisions of different epochs cannot be
    /// compared: the same number may stand for another change.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// What was read from the database may not be in it any more.
    pub fn upset(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// What the operator says of the database's replication.
    pub fn trust(&self, replication: Replication) {
        let nanos = replication.loses_within().as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.loses_within.store(nanos, Ordering::Relaxed);
    }

    /// The database has heard of this replica, as is known at `now`, and knew of so many heartbeats of it before.
    pub fn heard_of(&self, beats: Option<i64>, now: BootTime) {
        let mut came = self.came.lock();
        *came = came.filter(|_| beats.is_some()).or(Some(now));
    }

    /// What the database may lose.
    #[must_use]
    pub fn losable(&self, now: BootTime) -> Losable {
        let within = Duration::from_nanos(self.loses_within.load(Ordering::Relaxed));
        let known_for = self
            .came
            .lock()
            .map_or(Duration::ZERO, |came| now.since(came));
        Losable {
            within,
            newcomer_for: within.saturating_sub(known_for),
        }
    }

    /// Every limit has answered to the losses up to this incarnation.
    #[must_use]
    pub fn swept(&self) -> i64 {
        self.swept.load(Ordering::Relaxed)
    }

    /// Every limit has answered to this one.
    pub fn swept_to(&self, incarnation: i64) {
        self.swept.fetch_max(incarnation, Ordering::Relaxed);
    }

    /// The database is not what it was: somebody should look at once.
    pub fn doubt(&self) {
        self.doubts.notify_one();
    }

    /// Until there is a doubt.
    pub async fn doubted(&self) {
        self.doubts.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_that_comes_late_takes_nothing_back() {
        let life = Life::default();
        let memory = |beats, incarnation| Memory { beats, incarnation };
        life.remember(memory(20, 3));
        life.remember(memory(11, 2));
        assert_eq!(life.memory(), memory(20, 3));
        // Numbers of incarnations may start again in another database; heartbeats never do.
        life.remember(memory(21, 1));
        assert_eq!(life.memory(), memory(21, 1));
    }
}
