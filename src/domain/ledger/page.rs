//! One limit in one transaction of the ledger: everything that is decided there. Whoever runs the transaction locks the row, reads
//! what is asked for here in this order, and writes what comes out.

use std::time::Duration;

use uuid::Uuid;

use super::clock::Believed;
use super::entry::{Asker, Entry};
use super::grant::Ask;
use super::losable::Bounds;
use super::loss::Aftermath;
use super::merging::Merging;
use super::work::{Work, block_id};
use crate::domain::limit::{AMOUNT_MAX, Mode};
use crate::domain::time::{BootTime, Timestamp};
use crate::domain::{offline::Plan, terms::Terms};

#[cfg(test)]
mod laws;
mod rows;
mod telling;

pub use rows::{Charged, Free, Lack, NewBlock, Stated};

/// A limit as configured, read after its row was locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terming {
    /// N.
    pub amount: u64,
    /// Whether it refuses.
    pub mode: Mode,
    /// W, D, L.
    pub terms: Terms,
    /// What its offline share comes to.
    pub offline: Plan,
    /// The database's clock, read after the lock.
    pub now: Timestamp,
}

/// One limit in a transaction.
#[derive(Debug)]
pub struct Page<'a> {
    /// What is said about it.
    pub work: &'a Work,
    /// Its row, as it will be.
    pub entry: Entry,
    /// `None`: the limit was deleted.
    terming: Option<Terming>,
    /// Of a limit whose grants may be lost and are not frozen for.
    bounds: Option<Bounds>,
    charged: Charged,
    /// Charged by this transaction itself, before it grants.
    charged_anew: u64,
    granted: u64,
    /// Of what was granted, what the limit has room for.
    within: u64,
    /// Of what a shadow had not been asked about, what it has no room for.
    unasked_over: u64,
}

impl<'a> Page<'a> {
    /// Of a locked row.
    #[must_use]
    pub const fn new(work: &'a Work, entry: Entry, terming: Option<Terming>) -> Self {
        Self {
            work,
            entry,
            terming,
            bounds: None,
            charged: Charged::NONE,
            charged_anew: 0,
            granted: 0,
            within: 0,
            unasked_over: 0,
        }
    }

    /// As read.
    #[must_use]
    pub const fn terming(&self) -> Option<&Terming> {
        self.terming.as_ref()
    }

    /// A shadow: it keeps nobody from anything.
    #[must_use]
    pub fn only_counts(&self) -> bool {
        self.terming.is_some_and(|now| now.mode == Mode::Shadow)
    }

    /// How far back to look at the clocks, before they are moved on: by the longest charge time of what is charged, then or now.
    #[must_use]
    pub fn reach(&self) -> Duration {
        let terms = self.terming.map(|now| now.terms);
        let today = terms.map_or(Duration::ZERO, |terms| terms.charge_time());
        self.entry.reach.and(self.entry.clocks, today).charge
    }

    /// First: moves the clocks on, looks for lost writes, and charges what was used beyond the estimates. `number` makes ids for
    /// blocks that no replica has.
    pub fn turn(
        &mut self,
        asker: &Asker,
        believed: Believed,
        number: impl FnOnce() -> Uuid,
    ) -> Vec<NewBlock> {
        let Some(now) = self.terming else {
            return Vec::new();
        };
        self.entry.clocks = self.entry.clocks.advance(now.now, believed);
        let (high, charge) = (self.entry.clocks.high, now.terms.charge_time());
        self.entry.reach = self.entry.reach.and(self.entry.clocks, charge);
        let is_losable = now.terms.is_long() && !asker.losable.within.is_zero();
        self.bounds = is_losable.then(|| Bounds {
            losable: asker.losable,
            amount: now.amount,
            recent: now.now.min(believed.recent),
            now: now.now,
        });
        let known = (self.work.seen, self.work.most);
        let after = self.entry.notice(asker.loss, known, now.amount, &now.terms);
        if let Some(bounds) = &self.bounds {
            self.entry.age(bounds);
        }
        let mut blocks = Vec::new();
        if let Some(Aftermath::Charged(units)) = after {
            blocks.push(self.charge(number(), units, now.terms.charge_until(high)));
        }
        if let Some(charge) = self.work.charge {
            let until = now.terms.charge_until_after(high);
            let id = block_id(asker.boot_id, charge.block);
            blocks.push(self.charge(id, counted(&now, charge.units), until));
        }
        blocks
    }

    /// Second: what is known of closed blocks. What is over ends its charge sooner, by the higher clock. `sent` is when the
    /// transaction was sent, by the replica's clock.
    pub fn stated(&self, boot_id: Uuid, sent: BootTime) -> impl Iterator<Item = Stated> {
        // The clocks of a limit that was deleted stand still: nothing ends by them, and one that is created anew finds all of it charged.
        let (today, high) = (self.terming.map(|now| now.terms), self.entry.clocks.high);
        self.work.returns.iter().map(move |known| Stated {
            block_id: block_id(boot_id, known.block),
            used: known.used,
            charge_until: today.and_then(|today| known.charge_until(high, sent, &today)),
            settled: known.settled.clone(),
            is_ended: known.is_ended,
        })
    }

    /// Third: leaves alone what is served without the database, and grants what can be granted beside that and what is charged.
    pub fn decide(&mut self, asker: &Asker, charged: Charged) -> Option<NewBlock> {
        self.charged = charged;
        let now = self.terming?;
        let high = self.entry.clocks.high;
        let last_end = now.terms.charge_until(high);
        let last_end = charged.last_end.map_or(last_end, |end| end.max(last_end));
        let last_end = self
            .entry
            .frozen_until
            .map_or(last_end, |frozen| frozen.max(last_end));
        self.entry
            .offline
            .turn(now.offline, self.entry.clocks, last_end);
        let asked = self.work.ask?;
        let charged = self.charged_in_all();
        let (ask, amount) = (asked.ask, self.amount(&now));
        self.granted = match now.mode {
            Mode::Enforce => self.bounded(ask, charged).map_or(0, |ask| {
                let entry = &mut self.entry;
                entry.grant(asker, ask, amount, charged, &now.terms, now.now)
            }),
            Mode::Shadow => self.entry.grant_whole(ask),
        };
        if let Some(bounds) = &self.bounds {
            self.entry.grant_bounded(self.granted, bounds);
        }
        self.within = self.granted.min(amount.saturating_sub(charged));
        // It is among what is charged.
        let unasked = self.work.charge.map_or(0, |charge| charge.unasked);
        self.unasked_over = unasked.min(charged.saturating_sub(amount));
        (self.granted > 0).then(|| NewBlock {
            block_id: block_id(asker.boot_id, asked.block),
            limit_uid: self.work.limit,
            units: counted(&now, self.granted),
            open_until: Some(high.after(now.terms.validity)),
            charge_until: now.terms.charge_until(high),
            grant_number: self.entry.grant_number,
        })
    }

    /// Fourth: which of its blocks are to be merged.
    #[must_use]
    pub fn merging(&self) -> Option<Merging> {
        let terms = self.terming?.terms;
        Merging::of(self.work.limit, &terms, self.charged, self.entry.clocks.low)
    }

    /// As much of an ask as may be lost.
    fn bounded(&mut self, ask: Ask, charged: u64) -> Option<Ask> {
        match &self.bounds {
            Some(bounds) => self.entry.bounded(ask, charged, bounds),
            None => Some(ask),
        }
    }

    /// What can be granted of it together.
    fn amount(&self, now: &Terming) -> u64 {
        now.amount.saturating_sub(self.entry.offline.units())
    }

    fn charge(&mut self, block_id: Uuid, units: u64, charge_until: Timestamp) -> NewBlock {
        self.charged_anew = self.charged_anew.saturating_add(units);
        self.entry.grant_number += 1;
        NewBlock {
            block_id,
            limit_uid: self.work.limit,
            units,
            open_until: None,
            charge_until,
            grant_number: self.entry.grant_number,
        }
    }
}

/// What is charged at a time. What refuses is full at N, so that more would only be room for a false report to count in; what counts
/// alone never refuses, and shows no more than a limit can allow.
fn counted(now: &Terming, units: u64) -> u64 {
    match now.mode {
        Mode::Enforce => units.min(now.amount),
        Mode::Shadow => units.min(AMOUNT_MAX),
    }
}
