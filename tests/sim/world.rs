//! The world: true time, messages under way, and what goes wrong.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use keylease::domain::id::Id;
use keylease::domain::ledger::work::{LIMITS_PER_TRANSACTION, Work};
use keylease::domain::limit::{Dimension, Limit, Mode, Owner};
use keylease::domain::models::Pattern;
use keylease::domain::pool::Estimate;
use keylease::domain::time::{BootTime, Timestamp};
use uuid::Uuid;

use crate::bugs::Bug;
use crate::caller::{Call, Given, Portion, Report, RequestId, Seen};
use crate::database::{Database, Lags, State};
use crate::oracle::{Oracle, Scope, Verdict};
use crate::random::Random;
use crate::replica::{End, Outcome, Replica};
use crate::setup::{Odd, Setup, Spec};
use crate::time::{BootClock, MILLI, SECOND, Time, WallClock};

/// How often the database's state is kept, for failovers and restores.
const KEEP_EVERY: Time = SECOND / 4;

mod asking;
mod callers;
mod ending;
mod events;
mod faults;
mod holding;
mod locks;
mod replicas;
mod reports;
mod speaking;
mod told;
mod watching;

use asking::Asking;
use events::{Event, Renewing, Transaction};
use holding::{Holding, LeaseId};
use replicas::CONNECT;
use told::Promises;
pub(crate) use watching::{Kept, entries};

pub(crate) struct World<'a> {
    setup: &'a Setup,
    random: Random,
    now: Time,
    queue: BinaryHeap<Reverse<(Time, u64)>>,
    events: BTreeMap<u64, Event>,
    sequence: u64,
    database: Database,
    /// Which server of the database answers: transactions do not survive a change.
    server: u32,
    database_back: Time,
    /// When it is to go away.
    database_goes: Option<Time>,
    kept: VecDeque<(Time, State)>,
    /// Until when the row of a limit is locked.
    locked: BTreeMap<Uuid, Time>,
    replicas: Vec<Replica>,
    limits: Vec<Limit>,
    oracles: BTreeMap<Uuid, Oracle>,
    /// Uses that started, by the boot of the replica that gave the lease.
    served: BTreeMap<Uuid, u64>,
    holdings: BTreeMap<LeaseId, Holding>,
    /// Calls that can be sent again.
    asking: BTreeMap<RequestId, Asking>,
    requests: RequestId,
    /// What refused callers were told.
    promises: Promises,
    /// What callers are like, and until when.
    odd: Option<(Odd, Time)>,
    boots: u128,
    watched: Vec<Kept>,
}

impl<'a> World<'a> {
    pub(crate) fn new(setup: &'a Setup, seed: u64, name: &str) -> Self {
        let salt = name
            .bytes()
            .fold(7_u64, |salt, byte| salt.wrapping_mul(31) ^ u64::from(byte));
        let limits: Vec<Limit> = (1..)
            .zip(&setup.limits)
            .map(|(n, spec)| limit(n, spec))
            .collect();
        let before = i64::try_from(setup.before_midnight.as_micros()).unwrap();
        let clock = WallClock::beginning(-before);
        let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
        let lags = Lags::new(!seed, &setup.faults);
        let mut world = Self {
            setup,
            random: Random::new(seed),
            now: 0,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            sequence: 0,
            database: Database::new(&limits, clock, lags, setup.bug),
            server: 0,
            database_back: 0,
            database_goes: None,
            kept: VecDeque::new(),
            locked: BTreeMap::new(),
            replicas: Vec::new(),
            oracles: limits
                .iter()
                .map(|limit| (limit.uid, Oracle::default()))
                .collect(),
            served: BTreeMap::new(),
            holdings: BTreeMap::new(),
            limits,
            asking: BTreeMap::new(),
            requests: 0,
            promises: Promises::default(),
            odd: None,
            boots: 0,
            watched: Vec::new(),
        };
        for index in 0..setup.replicas {
            let replica = world.boot();
            world.replicas.push(replica);
            world.set_out(index);
        }
        world.after(0, Event::Arrive);
        world.after(SECOND / 2, Event::Faults);
        world.after(0, Event::Keep);
        if let Some(every) = setup.rolling {
            world.after(nanos(every), Event::Roll(0));
        }
        if let Some(every) = setup.watch_every {
            world.after(nanos(every), Event::Watch);
        }
        for (index, (at, _)) in setup.script.iter().enumerate() {
            world.after(nanos(*at), Event::Act(index));
        }
        world
    }

    /// Runs to the end. The tightest limit's verdict counts; any that was passed does.
    pub(crate) fn run(self) -> Verdict {
        self.run_watched().0
    }

    /// Says how much was kept too, from time to time.
    pub(crate) fn run_watched(mut self) -> (Verdict, Vec<Kept>) {
        let end = nanos(self.setup.length);
        while let Some(Reverse((time, sequence))) = self.queue.pop() {
            if time > end {
                break;
            }
            self.now = time;
            if let Some(event) = self.events.remove(&sequence) {
                self.happen(event);
            }
        }
        self.let_all_go(end);
        let mut worst: Option<Verdict> = None;
        for limit in &self.limits {
            let oracle = self.oracles.get_mut(&limit.uid).unwrap();
            let midnight = nanos(self.setup.before_midnight);
            let verdict = oracle.verdict(limit.amount, Scope::of(limit.span, midnight), end);
            if worst.is_none_or(|w| w.worst < verdict.worst) {
                worst = Some(verdict);
            }
        }
        let counts = self.replicas.iter_mut().flat_map(|r| r.account.count());
        let offline = counts.map(|(_, units)| units.offline).sum();
        let worst = worst.unwrap();
        let early = self.database.early();
        let verdict = Verdict {
            offline,
            early,
            kept: self.promises.kept,
            broken: self.promises.broken,
            least_served: self.least_served(),
            ..worst
        };
        (verdict, self.watched)
    }

    /// What the replica came to that gave least, as a share of what all of them gave on average.
    fn least_served(&self) -> f64 {
        let served = |replica: &Replica| self.served.get(&replica.boot_id).copied();
        let each = || self.replicas.iter().map(|r| served(r).unwrap_or_default());
        let mean = each().sum::<u64>() as f64 / self.replicas.len() as f64;
        each().min().unwrap_or_default() as f64 / mean
    }

    fn after(&mut self, delay: Time, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((self.now + delay, self.sequence)));
        self.events.insert(self.sequence, event);
    }

    fn is_up(&self, index: usize, boot: Uuid) -> bool {
        self.replicas[index].is_alive && self.replicas[index].boot_id == boot
    }

    fn hop(&mut self) -> Time {
        self.random.between(MILLI / 5, 10 * MILLI)
    }

    fn slow(&mut self, probability: f64) -> Time {
        let slow_max = nanos(self.setup.faults.slow_max);
        if self.random.chance(probability) {
            self.random.between(0, slow_max.max(1))
        } else {
            0
        }
    }
}

fn limit(number: u128, spec: &Spec) -> Limit {
    Limit {
        uid: Uuid::from_u128(number),
        rev: 1,
        owner: Owner::Account(Uuid::nil()),
        id: Id::parse("id", "simulated").unwrap(),
        create_time: Timestamp::from_micros(0),
        update_time: Timestamp::from_micros(0),
        dimension: spec.dimension,
        amount: spec.amount,
        span: spec.span,
        models: spec
            .models
            .iter()
            .map(|pattern| Pattern::parse("models", pattern).unwrap())
            .collect(),
        mode: Mode::Enforce,
        validity: spec.validity,
        start_within: spec.start_within,
        blackout: None,
        offline: spec.offline,
    }
}

pub(crate) fn nanos(duration: Duration) -> Time {
    u64::try_from(duration.as_nanos()).unwrap()
}
