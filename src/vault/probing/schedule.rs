//! Which versions are to be probed, and how often: told to the database when it changes, in batches.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::disablement::is_disabled;
use crate::domain::probe::next_time;
use crate::domain::time::Timestamp;
use crate::live::Live;
use crate::live::snapshot::{PoolEntry, Snapshot, Tier};
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{self, probes};

/// Rows of one statement.
const BATCH: usize = 1_000;
/// Statements of one round: a hundred thousand keys are taken up in under half a minute.
const BATCHES_MAX: usize = 5;
/// All of it is looked at again this soon after a change: there may be a change a second.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// And without one, since a pool may be disabled for a while.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// All of it is told again, should another replica have forgotten what this one wants.
const TELL_EVERY: Duration = Duration::from_hours(1);

/// Which versions are to be probed, as this replica knows and as it has told.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    wanted: Arc<HashMap<Uuid, Duration>>,
    told: HashMap<Uuid, Duration>,
    rev: Option<i64>,
    looked: Option<Instant>,
    retold: Option<Instant>,
}

impl Schedule {
    /// How often a version is to be probed.
    pub(super) fn interval(&self, version: Uuid) -> Option<Duration> {
        self.wanted.get(&version).copied()
    }

    /// It has not looked at this revision yet.
    pub(super) fn is_behind(&self, rev: i64) -> bool {
        self.rev != Some(rev)
    }

    /// Nobody wants any probe.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Takes up what pools want now, and tells some of what has changed.
    pub(super) async fn take_up(&mut self, live: &Live, pool: &PgPool) -> store::Result<()> {
        self.look(live).await;
        let now = live.now().database;
        let (add, remove) = self.untold();
        if add.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let telling = async {
            let mut conn = acquire(pool).await?;
            for batch in add.chunks(BATCH) {
                let uids: Vec<Uuid> = batch.iter().map(|(uid, _)| *uid).collect();
                let times = batch.iter();
                let times = times.map(|(uid, interval)| next_time(*uid, *interval, now));
                let times: Vec<Timestamp> = times.collect();
                probes::schedule(&mut conn, &uids, &times).await?;
            }
            for batch in remove.chunks(BATCH) {
                probes::unschedule(&mut conn, batch).await?;
            }
            Ok::<_, store::Error>(())
        };
        in_time(ANSWER_WITHIN, telling).await?;
        self.told.extend(add);
        for uid in remove {
            self.told.remove(&uid);
        }
        Ok(())
    }

    /// Looks at what has changed, not more often than every few seconds, and not on a thread that answers calls.
    async fn look(&mut self, live: &Live) {
        let snapshot = live.snapshot();
        let since = self.looked.map(|at| at.elapsed());
        let is_early = since.is_some_and(|since| since < LOOK_EVERY);
        let is_late = since.is_none_or(|since| since >= LOOK_AGAIN);
        if is_early || (self.rev == Some(snapshot.rev) && !is_late) {
            return;
        }
        let (rev, now) = (snapshot.rev, live.now().database);
        let looking = tokio::task::spawn_blocking(move || wanted(&snapshot, now));
        let Ok(wanted) = looking.await else { return };
        self.wanted = Arc::new(wanted);
        self.rev = Some(rev);
        self.looked = Some(Instant::now());
    }

    /// Some of what is to be told: what is new or is wanted at another pace, and what is wanted no more.
    fn untold(&mut self) -> (Vec<(Uuid, Duration)>, Vec<Uuid>) {
        if self.retold.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            let wanted = Arc::clone(&self.wanted);
            self.told.retain(|uid, _| !wanted.contains_key(uid));
            self.retold = Some(Instant::now());
        }
        let new = self.wanted.iter();
        let new = new.filter(|(uid, interval)| self.told.get(*uid) != Some(*interval));
        let mut new: Vec<(Uuid, Duration)> = new
            .map(|(uid, interval)| (*uid, *interval))
            .take(BATCH * BATCHES_MAX)
            .collect();
        // Replicas that tell the same at once lock it in one order.
        new.sort_unstable();
        let gone = self.told.keys();
        let gone = gone.filter(|uid| !self.wanted.contains_key(*uid)).copied();
        (new, gone.take(BATCH * BATCHES_MAX).collect())
    }
}

/// Every version that a pool wants probed, and how often at the most eager of them.
fn wanted(snapshot: &Snapshot, now: Timestamp) -> HashMap<Uuid, Duration> {
    let mut wanted = HashMap::new();
    let pools = snapshot.pools.values();
    let pools = pools.filter(|pool| {
        let is_off = is_disabled(pool.pool.disablement.as_ref(), now);
        pool.pool.health_policy.probe_enabled && !is_off
    });
    for pool in pools {
        let interval = pool.pool.health_policy.probe_interval();
        let candidates = pool.tiers.iter().flat_map(Tier::keys);
        for version in candidates.filter_map(|candidate| candidate.version.as_ref()) {
            let held = wanted.entry(version.version.meta.uid).or_insert(interval);
            *held = interval.min(*held);
        }
    }
    wanted
}

/// Whether a pool wants a version probed. It looks at many pools: only where the schedule does not say.
pub(super) fn is_wanted(snapshot: &Snapshot, version: Uuid) -> bool {
    let mut pools = snapshot.pools.values();
    let version = snapshot.versions.get(&version);
    let leases = |pool: &PoolEntry| version.is_some_and(|version| pool.serves(version));
    pools.any(|pool| pool.pool.health_policy.probe_enabled && leases(pool))
}
