//! Floor 3: this replica's memory. The configuration as last read, permits in hand, who waits, and what has been reported.

pub mod account;
pub mod accusing;
pub mod beat;
mod block_counts;
pub mod brakes;
pub mod canaries;
pub mod choose;
pub mod clock;
mod costing;
pub mod credential;
pub mod distrusted;
mod draining;
#[cfg(test)]
mod example;
pub mod explain;
pub mod heard;
pub mod heartbeat;
pub mod idle;
pub mod incidents;
pub mod journal;
pub mod late;
pub mod ledger;
pub mod life;
pub mod line;
pub mod looking;
mod needing;
pub mod outbox;
pub mod owed;
mod passed_over;
pub mod pool;
pub mod provider;
mod refusing;
pub mod registry;
pub mod renew;
pub mod renewals;
pub mod replayed;
pub mod replays;
pub mod reports;
pub mod reserve;
pub mod saying;
pub mod seldom;
pub mod serving;
pub mod silent;
pub mod slots;
pub mod snapshot;
mod speaker;
pub mod spend;
pub mod steady;
pub mod suspects;
mod sync;
pub mod takeover;
pub mod transactions;
pub mod unknown;
pub mod unserved;
pub mod version;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::brakes::Brakes;
use self::canaries::Canaries;
use self::choose::Now;
use self::clock::{DatabaseClock, boot_now};
use self::journal::Journal;
use self::ledger::Ledger;
use self::life::Life;
use self::line::Line;
use self::outbox::Outbox;
use self::owed::Owed;
use self::renewals::Renewals;
use self::reports::Reports;
use self::silent::Silent;
use self::slots::Slots;
use self::snapshot::Snapshot;
use self::spend::Spend;
use self::suspects::Suspects;
use self::unknown::Unknown;
use crate::domain::ledger::offline::slots::Slot;
use crate::domain::time::BootTime;

/// The most issuers whose reports are remembered here: more than a fleet has, restarts included.
const ISSUERS_MAX: usize = 256;

/// This replica's memory.
#[derive(Debug)]
pub struct Live {
    /// Made at start; names this replica.
    pub boot_id: Uuid,
    /// What holds back pools whose keys die together.
    pub brakes: Brakes,
    tallies: accusing::Tallies,
    /// Rights to canaries.
    pub canaries: Canaries,
    /// The database's clock.
    pub clock: DatabaseClock,
    /// Leases on their way to the journal.
    pub journal: Journal,
    /// Permits in hand, and what has to be said to the database about them.
    pub ledger: Ledger,
    /// What it remembers of the database.
    pub life: Life,
    /// The order of arrival.
    pub line: Line,
    /// Reports for other replicas.
    pub outbox: Outbox,
    /// Verdicts that could not be committed.
    pub owed: Owed,
    /// Versions that a caller's word has just taken out.
    pub suspects: Suspects,
    /// Versions that it is asked about and does not know.
    pub unknown: Unknown,
    /// What was spent, on its way to the database.
    pub spend: Spend,
    /// Leases that go on.
    pub renewals: Renewals,
    /// Replicas that are not heard of.
    pub silent: Silent,
    /// Its slot, for outages of the database.
    pub slots: Slots,
    reports: Arc<Reports>,
    foreign: Mutex<HashMap<Uuid, Arc<Reports>>>,
    snapshot: ArcSwap<Snapshot>,
    read: AtomicU64,
    replicas: AtomicU64,
    master_keys: ArcSwap<Vec<String>>,
    /// As `drained` says too, which takes a lock to tell.
    is_draining: AtomicBool,
    drained: CancellationToken,
    snapshot_age_max: Duration,
}

impl Live {
    /// An empty memory. A snapshot older than `snapshot_age_max` serves nothing.
    #[must_use]
    pub fn new(boot_id: Uuid, snapshot_age_max: Duration) -> Arc<Self> {
        Arc::new(Self {
            boot_id,
            brakes: Brakes::default(),
            tallies: accusing::Tallies::default(),
            canaries: Canaries::default(),
            clock: DatabaseClock::default(),
            journal: Journal::default(),
            ledger: Ledger::default(),
            life: Life::default(),
            line: Line::default(),
            outbox: Outbox::default(),
            owed: Owed::default(),
            suspects: Suspects::default(),
            unknown: Unknown::default(),
            spend: Spend::default(),
            renewals: Renewals::default(),
            silent: Silent::default(),
            slots: Slots::default(),
            reports: Arc::default(),
            foreign: Mutex::default(),
            snapshot: ArcSwap::default(),
            read: AtomicU64::new(0),
            replicas: AtomicU64::new(1),
            master_keys: ArcSwap::default(),
            is_draining: AtomicBool::new(false),
            drained: CancellationToken::new(),
            snapshot_age_max,
        })
    }

    /// The clocks at this moment.
    #[must_use]
    pub fn now(&self) -> Now {
        let boot = boot_now();
        Now {
            boot,
            database: self.clock.at(boot),
        }
    }

    /// The configuration as last read, whatever its age.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The same, for a look that ends before anything is awaited: it costs no shared count.
    #[must_use]
    pub fn glance(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// The configuration, if it is young enough to lease from.
    #[must_use]
    pub fn fresh_snapshot(&self, now: BootTime) -> Option<arc_swap::Guard<Arc<Snapshot>>> {
        self.is_fresh(now).then(|| self.glance())
    }

    /// Whether the configuration is young enough to lease from.
    #[must_use]
    pub fn is_fresh(&self, now: BootTime) -> bool {
        let read = self.read.load(Ordering::Acquire);
        read > 0 && now.since(BootTime::from_nanos(read)) <= self.snapshot_age_max
    }

    /// What this replica serves from while the database cannot be reached, if it has a slot.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        let read = BootTime::from_nanos(self.read.load(Ordering::Acquire));
        self.slots.own(read)
    }

    /// Whether the configuration was read since the database last turned out to be another one.
    #[must_use]
    pub fn is_of_epoch(&self) -> bool {
        self.glance().epoch == self.life.epoch()
    }

    /// How old the configuration is.
    #[must_use]
    pub fn snapshot_age(&self, now: BootTime) -> Duration {
        now.since(BootTime::from_nanos(self.read.load(Ordering::Acquire)))
    }

    /// The configuration was read, beginning at `began`, and is this; `None`: as before.
    pub fn learned(&self, snapshot: Option<Snapshot>, began: BootTime) {
        if let Some(snapshot) = snapshot {
            self.snapshot.store(Arc::new(snapshot));
        }
        self.read.store(began.nanos(), Ordering::Release);
    }

    /// Which leases of this issuer have been reported here. Of another replica's, only what came to this one is known: the issuer
    /// counts for good.
    #[must_use]
    pub fn reports_of(&self, issuer: Uuid) -> Arc<Reports> {
        if issuer == self.boot_id {
            return Arc::clone(&self.reports);
        }
        let mut foreign = self.foreign.lock();
        if foreign.len() >= ISSUERS_MAX && !foreign.contains_key(&issuer) {
            foreign.clear();
        }
        Arc::clone(foreign.entry(issuer).or_default())
    }
}
