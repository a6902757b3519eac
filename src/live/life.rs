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
    heard: Mutex<Option<Heard>>,
}

/// Since when, and until when, the database is known to have heard of this replica.
#[derive(Debug, Clone, Copy)]
struct Heard {
    since: BootTime,
    last: BootTime,
}

/// Whoever was not heard of for so long is a newcomer: in a failover those are counted that were heard of in the last two minutes.
const HEARD_WITHIN: Duration = Duration::from_mins(1);

impl Heard {
    fn is_recent(&self, now: BootTime) -> bool {
        now.since(self.last) < HEARD_WITHIN
    }
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
        let mut heard = self.heard.lock();
        let known = heard.filter(|heard| beats.is_some() && heard.is_recent(now));
        *heard = Some(Heard {
            since: known.map_or(now, |known| known.since),
            last: now,
        });
    }

    /// What the database may lose.
    #[must_use]
    pub fn losable(&self, now: BootTime) -> Losable {
        let within = Duration::from_nanos(self.loses_within.load(Ordering::Relaxed));
        let heard = self.heard.lock().filter(|heard| heard.is_recent(now));
        let known_for = heard.map_or(Duration::ZERO, |heard| now.since(heard.since));
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
    fn who_was_not_heard_of_for_long_is_a_newcomer_again() {
        let life = Life::default();
        let at = |seconds: u64| BootTime::from_nanos(seconds * 1_000_000_000);
        let new_for = |seconds| life.losable(at(seconds)).newcomer_for.as_secs();
        assert_eq!(new_for(100), 0, "nothing is lost");
        life.trust(Replication::Asynchronous(Duration::from_secs(10)));
        assert_eq!(new_for(100), 10, "not heard of");
        life.heard_of(None, at(101));
        assert_eq!((new_for(105), new_for(111)), (6, 0));
        life.heard_of(Some(1), at(150));
        assert_eq!((new_for(209), new_for(210)), (0, 10));
        life.heard_of(Some(2), at(211));
        assert_eq!((new_for(212), new_for(221)), (9, 0));
        // The database has forgotten it.
        life.heard_of(None, at(222));
        assert_eq!(new_for(223), 9);
    }

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
