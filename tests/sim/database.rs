//! The database, and one transaction of the ledger in it: the same steps in the same order as over SQL, with rows in memory.

use std::collections::{BTreeMap, HashMap};

use keylease::domain::ledger::block::is_settled;
use keylease::domain::ledger::clock::{ClockSamples, Clocks};
use keylease::domain::ledger::entry::{Asker, Entry, LONG_PERIOD, Loss};
use keylease::domain::ledger::offline::reserve::Reserve;
use keylease::domain::ledger::offline::slots::SlotRow;
use keylease::domain::ledger::page::{Charged, NewBlock, Page, Stated, Terming};
use keylease::domain::ledger::standing::{Finding, Memory, Replication, Sight, Standing};
use keylease::domain::ledger::work::{Answer, Work};
use keylease::domain::limit::Limit;
use keylease::domain::terms::Span;
use keylease::domain::time::{BootTime, Timestamp};
use uuid::Uuid;

use crate::bugs::Bug;
use crate::time::{MILLI, Time, WallClock};

mod merging;
mod offline;
mod renewing;

/// What a failover may lose, as the operator declared.
pub(crate) const LAG_MAX: std::time::Duration = LONG_PERIOD;

/// What is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) limits: BTreeMap<Uuid, Row>,
    replicas: HashMap<Uuid, i64>,
    incarnations: Vec<(Sight, Option<Loss>)>,
    slots: Vec<SlotRow>,
}

/// A limit's row, and its blocks.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) limit: Limit,
    entry: Entry,
    blocks: BTreeMap<Uuid, Stored>,
    /// For the bug that reads before the lock: when the row was last written, and what was charged before that.
    before: (Time, Charged),
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
                grant_number: 0,
                incarnation: 0,
                frozen_until: None,
                claim: None,
                block_units_max: 0,
                offline: Reserve::default(),
            },
            blocks: BTreeMap::new(),
            before: (0, Charged::default()),
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

    fn standing(&self, boot_id: Uuid) -> Standing {
        let incarnations = &self.state.incarnations;
        Standing {
            sight: self.sight.clone(),
            known: incarnations.last().map(|(sight, _)| sight.clone()),
            number: i64::try_from(incarnations.len()).unwrap(),
            silence: Some(std::time::Duration::ZERO),
            beats: self.state.replicas.get(&boot_id).copied(),
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

    /// A heartbeat: what the replica is to remember, and the limits that have to answer to a loss.
    pub(crate) fn beat(&mut self, client: &mut Client<'_>, time: Time) -> Memory {
        if let Some(finding) = self.finding(client) {
            let number = i64::try_from(self.state.incarnations.len()).unwrap() + 1;
            let replicas = self.state.replicas.len() as u64;
            let standing = self.standing(client.boot_id);
            let lag = standing.loss(finding, client.memory, Replication::Asynchronous(LAG_MAX));
            let loss = lag.map(|lag| Loss::over(number, replicas, lag));
            self.state.incarnations.push((self.sight.clone(), loss));
        }
        let standing = self.standing(client.boot_id);
        let beats = client.memory.beats.max(standing.beats.unwrap_or(0)) + 1;
        self.state.replicas.insert(client.boot_id, beats);
        client.samples.add(self.clock.at(time), client.now);
        let memory = Memory {
            beats,
            incarnation: standing.number,
        };
        let behind = self.state.limits.values();
        let behind = behind.filter(|row| row.entry.incarnation < standing.loss.incarnation);
        let works: Vec<Work> = behind.map(|row| Work::silent(row.limit.uid)).collect();
        client.memory = memory;
        if self.bug != Some(Bug::NoFreeze) {
            self.reserve(&works, client, time);
        }
        memory
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

impl Row {
    fn transact(
        &mut self,
        work: &Work,
        asker: &Asker,
        client: &mut Client<'_>,
        (now, time): (Timestamp, Time),
        bug: Option<Bug>,
    ) -> Option<Answer> {
        let mut work = work.clone();
        if bug == Some(Bug::NoFreeze) {
            work.seen = 0;
        }
        let terms = self.limit.terms();
        let terming = self.terming(now);
        self.may_forget_the_larger_share(bug);
        let mut page = Page::new(&work, self.entry, Some(terming));
        client.samples.add(now, client.now);
        let low = self.entry.clocks.low;
        let (charge, epsilon) = (terms.charge_time(), terms.epsilon());
        let believed = client
            .samples
            .believed(work.limit, low, charge, epsilon, client.sent);
        let believed = if bug == Some(Bug::OneClock) {
            now
        } else {
            believed
        };
        let mut blocks = page.turn(asker, believed, Uuid::now_v7);
        for stated in page.stated(client.boot_id, client.sent) {
            self.state_use(stated);
        }
        let charged = self.charged(page.entry.clocks.low);
        let read = match bug {
            Some(Bug::GrantWithoutGuard) => Charged::default(),
            Some(Bug::ReadBeforeLock) if time - self.before.0 < 20 * MILLI => self.before.1,
            _ => charged,
        };
        blocks.extend(page.decide(asker, read));
        self.before = (time, charged);
        self.merge(&page, bug);
        self.entry = page.entry;
        let low = self.entry.clocks.low;
        self.blocks.retain(|_, block| block.charge_until > low);
        for mut block in blocks {
            if bug == Some(Bug::ChargeForWindowOnly) {
                block.charge_until = self.entry.clocks.high.after(terms.span.length());
            }
            if let (Some(Bug::ChargeOneDay), Span::Calendar(calendar)) = (bug, terms.span) {
                block.charge_until = calendar.end(self.entry.clocks.high);
            }
            self.insert(&block);
        }
        let free = page
            .lack()
            .and_then(|lack| self.frees(lack.units, lack.low));
        page.answer(free, client.sent, client.now)
    }

    fn state_use(&mut self, stated: Stated) {
        let Some(block) = self.blocks.get_mut(&stated.block_id) else {
            return;
        };
        block.units = block.units.min(stated.used);
        let until = stated.charge_until.unwrap_or(block.charge_until);
        block.charge_until = block.charge_until.min(until);
        block.closed = true;
        block.ended |= stated.is_ended;
        block.settled = stated.settled;
    }

    fn frees(&self, lacking: u64, low: Timestamp) -> Option<Timestamp> {
        let charged = self.blocks.values().filter(|b| b.charge_until > low);
        let mut ends: Vec<_> = charged.map(|b| (b.charge_until, b.units)).collect();
        ends.sort_unstable();
        let mut ended = 0;
        ends.into_iter().find_map(|(until, units)| {
            ended += units;
            (ended >= lacking).then_some(until)
        })
    }

    fn insert(&mut self, block: &NewBlock) {
        let stored = Stored {
            units: block.units,
            charge_until: block.charge_until,
            open_until: block.open_until,
            closed: block.open_until.is_none(),
            ended: block.open_until.is_none(),
            grant_number: block.grant_number,
            settled: Vec::new(),
        };
        debug_assert!(!is_settled(&stored.settled, 0));
        let known = self.blocks.insert(block.block_id, stored);
        assert!(known.is_none(), "a block id came twice");
    }
}
