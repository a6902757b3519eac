//! The database: rows in memory, under the transactions of production.

use std::collections::{BTreeMap, HashMap, VecDeque};

use keylease::domain::ledger::clock::Clocks;
use keylease::domain::ledger::entry::{Entry, LONG_PERIOD};
use keylease::domain::ledger::loss::Loss;
use keylease::domain::ledger::offline::reserve::Reserve;
use keylease::domain::ledger::offline::slots::SlotRow;
use keylease::domain::ledger::page::Charged;
use keylease::domain::ledger::reach::Reach;
use keylease::domain::ledger::standing::{Sight, Standing};
use keylease::domain::ledger::takeover::Settled;
use keylease::domain::ledger::work::{Answer, Work};
use keylease::domain::limit::Limit;
use keylease::domain::terms::Span;
use keylease::domain::time::{BootTime, Timestamp};
use keylease::live::clock::DatabaseClock;
use keylease::live::reserve;
use uuid::Uuid;

use crate::bugs::Bug;
use crate::time::{Time, WallClock};

mod beating;
mod blocks;
mod clock;
mod hearts;
mod merging;
mod misleading;
mod offline;
mod renewing;
mod reports;
mod rows;
mod takeover;

use beating::Incarnation;
use clock::Clock;
pub(crate) use clock::Lags;
pub(crate) use hearts::Answering;
use rows::{Rows, at_once};
pub(crate) use rows::{is_ready, ready};

/// What a failover may lose, as the operator declared.
pub(crate) const LAG_MAX: std::time::Duration = LONG_PERIOD;

/// What is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) limits: BTreeMap<Uuid, Row>,
    replicas: HashMap<Uuid, Pulse>,
    incarnations: Vec<Incarnation>,
    slots: Vec<SlotRow>,
    /// On their way to the replicas that gave the leases.
    reports: BTreeMap<i64, (Uuid, Vec<u8>)>,
    reports_sent: i64,
    /// Leases that another replica settled.
    settled: HashMap<(Uuid, u64), Settled>,
    /// Until when leases go on that were renewed.
    renewed: BTreeMap<(Uuid, u64), Timestamp>,
}

/// What is known of a replica.
#[derive(Debug, Clone, Copy)]
struct Pulse {
    beats: i64,
    heard: Timestamp,
}

/// A limit's row, and its blocks.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) limit: Limit,
    is_deleted: bool,
    entry: Entry,
    blocks: BTreeMap<Uuid, Stored>,
    /// For planted bugs: charges that ended before what they stand for.
    early: u64,
    /// For the bugs that read what was charged some time ago: when that was written, and what it was.
    charged: VecDeque<(Time, Charged)>,
}

#[derive(Debug, Clone)]
struct Stored {
    units: u64,
    charge_until: Timestamp,
    open_until: Option<Timestamp>,
    closed: bool,
    ended: bool,
    grant_number: i64,
    settled: Vec<u8>,
    /// How often it was settled in its replica's place.
    epoch: u64,
    /// For the bug that returns by differences: units used, as its replica has said.
    stated: u64,
    /// Until when, in true time, what it is charged for can still fill a window; unless it was settled.
    binds_until: Time,
}

/// Who runs a transaction.
pub(crate) struct Client<'a> {
    pub(crate) replica: reserve::Replica,
    /// What it knows of the database's clock.
    pub(crate) clock: &'a DatabaseClock,
    pub(crate) sent: BootTime,
    pub(crate) now: BootTime,
}

/// The answers to a transaction, by limit.
pub(crate) type Answers = Vec<(Uuid, Option<Answer>)>;

/// The database.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) state: State,
    pub(crate) clock: WallClock,
    pub(crate) sight: Sight,
    lags: Lags,
    bug: Option<Bug>,
}

impl Database {
    pub(crate) fn new(limits: &[Limit], clock: WallClock, lags: Lags, bug: Option<Bug>) -> Self {
        let born = clock.at(0);
        let row = |limit: &Limit| (limit.uid, Row::born(limit, born));
        Self {
            state: State {
                limits: limits.iter().map(row).collect(),
                slots: offline::slots(),
                ..State::default()
            },
            clock,
            lags,
            sight: Sight {
                system_id: "1".to_owned(),
                timeline: "1".to_owned(),
                filenode: 1,
            },
            bug,
        }
    }

    /// Charges that ended before what they stand for.
    pub(crate) fn early(&self) -> u64 {
        self.state.limits.values().map(|row| row.early).sum()
    }

    /// The limit is deleted, and this one created in its place.
    pub(crate) fn replace(&mut self, deleted: Uuid, limit: &Limit, time: Time) {
        let born = self.clock.at(time);
        self.state.limits.get_mut(&deleted).unwrap().is_deleted = true;
        let row = Row::born(limit, born);
        self.state.limits.insert(limit.uid, row);
    }

    /// The limit counts over another span than `before` from now on, as it stands already.
    pub(crate) fn outlast(&mut self, limit: Uuid, before: Span, time: Time) {
        let (now, bug) = (self.clock.at(time), self.bug);
        let row = self.state.limits.get_mut(&limit).unwrap();
        row.outlast(before, now, bug);
    }

    /// The transaction of the ledger; `None` if the database has to be looked at first.
    pub(crate) fn reserve(
        &mut self,
        works: &[Work],
        client: &Client<'_>,
        time: Time,
    ) -> Option<Answers> {
        let works = self.misled(works, client, time);
        let clock = Clock::of(client, &mut self.lags, self.bug);
        let mut rows = Rows::new(self, client, time);
        let (replica, sent) = (client.replica, client.sent);
        let written = reserve::write(&mut rows, replica, &clock, &works, true, sent);
        let answers = at_once(written)?.answers(client.now);
        self.note_charged(&works, time);
        Some(answers)
    }
}
