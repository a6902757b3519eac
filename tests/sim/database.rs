//! The database, and one transaction of the ledger in it: the same steps in the same order as over SQL, with rows in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};

use keylease::domain::ledger::clock::{Believed, ClockSamples, Clocks, SAMPLE_GAP_MAX};
use keylease::domain::ledger::entry::{Asker, Entry, LONG_PERIOD, Seen};
use keylease::domain::ledger::loss::{Loss, Most};
use keylease::domain::ledger::offline::reserve::Reserve;
use keylease::domain::ledger::offline::slots::SlotRow;
use keylease::domain::ledger::outlast::Outlasting;
use keylease::domain::ledger::page::{Charged, Free, NewBlock, Page, Stated, Terming};
use keylease::domain::ledger::reach::Reach;
use keylease::domain::ledger::standing::{Finding, Memory, Replication, Sight, Standing};
use keylease::domain::ledger::takeover::Settled;
use keylease::domain::ledger::work::{Answer, Work};
use keylease::domain::limit::Limit;
use keylease::domain::terms::{Span, Terms};
use keylease::domain::time::{BootTime, Timestamp};
use keylease::store::replicas::LAPSE;
use uuid::Uuid;

use crate::bugs::Bug;
use crate::time::{MILLI, Time, WallClock};
use crate::world::nanos;

mod beating;
mod merging;
mod offline;
mod renewing;
mod reports;
mod rows;

/// What a failover may lose, as the operator declared.
pub(crate) const LAG_MAX: std::time::Duration = LONG_PERIOD;

/// What is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) limits: BTreeMap<Uuid, Row>,
    replicas: HashMap<Uuid, Pulse>,
    incarnations: Vec<(Sight, Option<Loss>)>,
    slots: Vec<SlotRow>,
    /// On their way to the replicas that gave the leases.
    reports: BTreeMap<u64, (Uuid, Vec<u8>)>,
    reports_sent: u64,
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
    pub(crate) boot_id: Uuid,
    pub(crate) live: u64,
    pub(crate) memory: Memory,
    pub(crate) samples: &'a mut ClockSamples,
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
    bug: Option<Bug>,
}

impl Database {
    pub(crate) fn new(limits: &[Limit], clock: WallClock, bug: Option<Bug>) -> Self {
        let born = clock.at(0);
        let row = |limit: &Limit| Row {
            limit: limit.clone(),
            entry: Entry {
                clocks: Clocks {
                    high: born,
                    low: born,
                },
                reach: Reach::NONE,
                grant_number: 0,
                incarnation: 0,
                frozen_until: None,
                claim: None,
                block_units_max: 0,
                offline: Reserve::default(),
            },
            blocks: BTreeMap::new(),
            early: 0,
            charged: VecDeque::new(),
        };
        let rows = limits.iter().map(|limit| (limit.uid, row(limit)));
        Self {
            state: State {
                limits: rows.collect(),
                slots: offline::slots(),
                ..State::default()
            },
            clock,
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

    /// The limit counts over another span than `before` from now on, as it stands already.
    pub(crate) fn outlast(&mut self, limit: Uuid, before: Span, time: Time) {
        let (now, bug) = (self.clock.at(time), self.bug);
        let row = self.state.limits.get_mut(&limit).unwrap();
        row.outlast(before, now, bug);
    }

    fn standing(&self, boot_id: Uuid) -> Standing {
        let incarnations = &self.state.incarnations;
        Standing {
            sight: self.sight.clone(),
            known: incarnations.last().map(|(sight, _)| sight.clone()),
            number: i64::try_from(incarnations.len()).unwrap(),
            silence: Some(std::time::Duration::ZERO),
            beats: self.state.replicas.get(&boot_id).map(|pulse| pulse.beats),
            loss: incarnations
                .iter()
                .rev()
                .find_map(|(_, loss)| *loss)
                .unwrap_or_default(),
        }
    }

    fn finding(&self, client: &Client<'_>) -> Option<Finding> {
        if self.bug == Some(Bug::NoFreeze) {
            return None;
        }
        self.standing(client.boot_id).finding(client.memory)
    }

    /// Numbers that a replica remembers are not given again, where the database has forgotten them.
    fn skip_numbers(&mut self, to: i64) {
        while i64::try_from(self.state.incarnations.len()).unwrap() < to {
            self.state.incarnations.push((self.sight.clone(), None));
        }
    }

    /// The transaction of the ledger; `None` if the database has to be looked at first.
    pub(crate) fn reserve(
        &mut self,
        works: &[Work],
        client: &mut Client<'_>,
        time: Time,
    ) -> Option<Answers> {
        if self.finding(client).is_some() {
            return None;
        }
        let asker = Asker {
            boot_id: client.boot_id,
            live: client.live,
            loss: match self.bug {
                Some(Bug::NoFreeze) => Loss::default(),
                _ => self.standing(client.boot_id).loss,
            },
        };
        let now = self.clock.at(time);
        let mut answers = Vec::new();
        for work in works {
            if let Some(row) = self.state.limits.get_mut(&work.limit) {
                let answer = row.transact(work, &asker, client, (now, time), self.bug);
                answers.push((work.limit, answer));
            }
        }
        Some(answers)
    }
}
