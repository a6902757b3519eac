//! Which leases of this replica have been reported: each use counts once, whatever is sent again.
//!
//! Leases are numbered without gaps, so one bit each is enough: a hundred thousand a second for ten minutes are 8 MB. Only leases that
//! are reported in parts need more, until they are done.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use self::parts::Parts;
use crate::domain::ledger::block::Ending;
use crate::domain::time::Timestamp;

/// Leases per chunk of bits.
const CHUNK_LEASES: u64 = 8_192;
/// The most chunks kept: 64 MiB of bits, half a billion leases. Reports on older leases are late.
const CHUNKS_MAX: usize = 65_536;
/// The most leases whose reports had other numbers than the one 0 that a lease of one use has. Of those beyond, every report that comes
/// again is taken for a repetition.
const NUMBERED_MAX: usize = 100_000;
/// How long a chunk outlives its leases: more than the database's clock may be set back by.
const GRACE: Duration = Duration::from_mins(10);

/// Which leases have been reported.
#[derive(Debug, Default)]
pub struct Reports {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the number of their first lease, over [`CHUNK_LEASES`]. There are only those of which something was reported.
    chunks: BTreeMap<u64, Chunk>,
    /// Chunks below it were dropped for want of room.
    floor: u64,
    partial: Parts,
    /// The numbers of the reports of leases that are done; only 0 for those that are not here.
    numbers: HashMap<u64, Vec<u32>>,
    /// Nothing kept ends sooner, so until then there is nothing to look for. `None` while nothing is kept.
    earliest_end: Option<Timestamp>,
}

#[derive(Debug)]
struct Chunk {
    /// When the last of its leases that were reported ends: without them it is as good as new.
    ends: Timestamp,
    done: Vec<u64>,
    /// The numbers of some of its reports found no room.
    is_vague: bool,
}

/// One report of one lease.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    /// Whose lease it is.
    pub caller: Uuid,
    /// The lease's number.
    pub serial: u64,
    /// The report's number.
    pub sequence: u32,
    /// Uses it is about.
    pub uses: u32,
    /// Uses of the lease.
    pub granted: u32,
    /// No more will come.
    pub is_final: bool,
    /// What it says of its uses.
    pub ending: Ending,
    /// When reports on this lease come too late.
    pub ends: Timestamp,
}

/// What is known of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It counts. With the last one comes what all of them say of the lease: sure only if every use was reported.
    New(Option<Ending>),
    /// It was counted before.
    Duplicate,
    /// It is new, and no use of the lease is left to be reported.
    Exhausted,
    /// It says more uses than are left; so many are.
    TooMany(u32),
    /// Too many leases are being reported in parts, of this caller or of all; report whole, or later.
    Full,
    /// The lease is older than anything kept.
    Forgotten,
}

impl Reports {
    /// Whether any report on a lease was counted.
    #[must_use]
    pub fn has(&self, serial: u64) -> bool {
        let state = self.state.lock();
        let (word, bit) = place(serial);
        let chunk = state.chunks.get(&(serial / CHUNK_LEASES));
        let is_done = chunk.is_some_and(|chunk| chunk.done[word] & bit != 0);
        is_done || state.partial.contains_key(&serial) || serial / CHUNK_LEASES < state.floor
    }

    /// Counts a report, once.
    pub fn enter(&self, report: &Claimed, now: Timestamp) -> Entry {
        let mut state = self.state.lock();
        let Some(is_done) = state.is_done(report, now) else {
            return Entry::Forgotten;
        };
        if is_done {
            return state.again(report);
        }
        let partial = state.partial.get(&report.serial);
        if partial.is_some_and(|p| p.sequences.contains(&report.sequence)) {
            return Entry::Duplicate;
        }
        let reported = partial.map_or(0, |p| p.reported);
        let left = report.granted.saturating_sub(reported);
        if report.uses > left {
            return Entry::TooMany(left);
        }
        if report.is_final || report.uses == left {
            let earlier = state.partial.remove(&report.serial);
            state.set_done(report, earlier.as_ref().map_or(&[], |p| &p.sequences));
            let ending = report.ending.and(earlier.map(|partial| partial.ending));
            return Entry::New(Some(Ending {
                is_sure: ending.is_sure && report.uses == left,
                ..ending
            }));
        }
        state.enter_part(report)
    }
}

impl State {
    /// `None` if it is older than anything kept.
    fn is_done(&mut self, report: &Claimed, now: Timestamp) -> Option<bool> {
        let number = report.serial / CHUNK_LEASES;
        if number < self.floor {
            return None;
        }
        if !self.chunks.contains_key(&number) {
            self.make_room(now);
            self.will_end(report.ends);
        }
        let chunk = self.chunks.entry(number).or_insert_with(|| Chunk {
            ends: report.ends,
            done: vec![0; (CHUNK_LEASES / 64) as usize],
            is_vague: false,
        });
        chunk.ends = chunk.ends.max(report.ends);
        let (word, bit) = place(report.serial);
        Some(chunk.done[word] & bit != 0)
    }

    /// What a report is to a lease that is done: one of those that made it so, or one too many.
    fn again(&self, report: &Claimed) -> Entry {
        let chunk = self.chunks.get(&(report.serial / CHUNK_LEASES));
        let numbers = self.numbers.get(&report.serial);
        let is_known = numbers.map_or(report.sequence == 0, |n| n.contains(&report.sequence));
        if is_known || chunk.is_some_and(|chunk| chunk.is_vague) {
            Entry::Duplicate
        } else {
            Entry::Exhausted
        }
    }

    fn set_done(&mut self, report: &Claimed, earlier: &[u32]) {
        let Some(chunk) = self.chunks.get_mut(&(report.serial / CHUNK_LEASES)) else {
            return;
        };
        let (word, bit) = place(report.serial);
        chunk.done[word] |= bit;
        if earlier.is_empty() && report.sequence == 0 {
            return;
        }
        if self.numbers.len() >= NUMBERED_MAX {
            chunk.is_vague = true;
            return;
        }
        let numbers = [earlier, &[report.sequence]].concat();
        self.numbers.insert(report.serial, numbers);
    }

    fn enter_part(&mut self, report: &Claimed) -> Entry {
        if !self.partial.has_room(report) {
            return Entry::Full;
        }
        self.will_end(report.ends);
        self.partial.enter(report)
    }

    /// Drops what has ended; if that is not enough, the oldest.
    fn make_room(&mut self, now: Timestamp) {
        if self.earliest_end.is_some_and(|end| now >= end.after(GRACE)) {
            self.drop_ended(now);
        }
        while self.chunks.len() >= CHUNKS_MAX {
            if let Some((number, _)) = self.chunks.pop_first() {
                self.floor = number + 1;
                self.forget_numbers();
            }
        }
    }

    fn forget_numbers(&mut self) {
        let chunks = &self.chunks;
        self.numbers
            .retain(|serial, _| chunks.contains_key(&(serial / CHUNK_LEASES)));
    }

    fn drop_ended(&mut self, now: Timestamp) {
        self.chunks.retain(|_, chunk| now < chunk.ends.after(GRACE));
        self.forget_numbers();
        self.partial
            .retain(|partial| now < partial.ends.after(GRACE));
        let chunks = self.chunks.values().map(|chunk| chunk.ends);
        let partial = self.partial.values().map(|partial| partial.ends);
        self.earliest_end = chunks.chain(partial).min();
    }

    fn will_end(&mut self, at: Timestamp) {
        self.earliest_end = Some(self.earliest_end.map_or(at, |earliest| earliest.min(at)));
    }
}

/// The word of a chunk that holds a lease's bit, and the bit.
const fn place(serial: u64) -> (usize, u64) {
    let bit = serial % CHUNK_LEASES;
    ((bit / 64) as usize, 1 << (bit % 64))
}

mod going_on;
mod parts;
#[cfg(test)]
mod tests;
