//! Which leases of this replica have been reported: each use counts once, whatever is sent again.
//!
//! Leases are numbered without gaps, so one bit each is enough: a hundred thousand a second for ten minutes are 8 MB. Only leases that
//! are reported in parts need more, until they are done. All of it is dropped by this replica's boot clock, and a lease of which it may
//! have been dropped is over for good: the database's clock may be set forward and back, and what ended by it would be alive again.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use parking_lot::Mutex;

pub use self::entry::{Claimed, Entry};
use self::parts::Parts;
use self::taken_by::TakenBy;
use crate::domain::ledger::block::Ending;
use crate::domain::time::BootTime;

/// Leases per chunk of bits.
const CHUNK_LEASES: u64 = 8_192;
/// The most chunks kept: 64 MiB of bits, half a billion leases. Reports on older leases are late.
const CHUNKS_MAX: usize = 65_536;
/// The most leases whose reports had other numbers than the one 0 that a lease of one use has. Of those beyond, every report that comes
/// again is taken for a repetition.
const NUMBERED_MAX: usize = 100_000;
/// How long what is known of a lease outlives it: as long as the database's clock may run behind, and its reports still be taken.
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
    /// Leases that are done; by a report of number 0 on all of their uses, for those that are not here.
    finished: HashMap<u64, Finished>,
    /// Nothing kept ends sooner, so until then there is nothing to look for. `None` while nothing is kept.
    earliest_end: Option<BootTime>,
    taken_by: TakenBy,
    /// The latest time that was told: of two reports at once, the later may come first.
    latest: BootTime,
}

/// How a lease came to be done.
#[derive(Debug)]
struct Finished {
    /// The numbers of its reports.
    numbers: Vec<u32>,
    /// Uses that were not reported when the last report came.
    left: u32,
}

#[derive(Debug)]
struct Chunk {
    /// When the last of its leases that were reported is over: without them it is as good as new.
    ends: BootTime,
    done: Vec<u64>,
    /// The numbers of some of its reports found no room.
    is_vague: bool,
}

impl Reports {
    /// Whether any report on a lease was counted.
    #[must_use]
    pub fn has(&self, serial: u64) -> bool {
        let state = self.state.lock();
        let (word, bit) = place(serial);
        let chunk = state.chunks.get(&(serial / CHUNK_LEASES));
        let is_done = chunk.is_some_and(|chunk| chunk.done[word] & bit != 0);
        let is_forgotten = serial / CHUNK_LEASES < state.floor || state.taken_by.is_over(serial);
        is_done || state.partial.contains_key(&serial) || is_forgotten
    }

    /// Counts a report, once. `now` is by the clock of this replica.
    pub fn enter(&self, report: &Claimed, now: BootTime) -> Entry {
        let mut state = self.state.lock();
        let ends = state.ends(report, now);
        let Some((ends, is_done)) = ends.and_then(|e| Some((e, state.is_done(report, e)?))) else {
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
            let numbers = earlier.as_ref().map_or(&[][..], |p| &p.sequences);
            state.set_done(report, numbers, left - report.uses);
            let ending = report.ending.and(earlier.map(|partial| partial.ending));
            return Entry::New(Some(Ending {
                is_sure: ending.is_sure && report.uses == left,
                ..ending
            }));
        }
        state.enter_part(report, ends)
    }

    /// Whether a report that finds its lease done counts all the same, once: it came elsewhere, and was answered, before the last one did
    /// here. Nothing comes back with it.
    pub fn enter_late(&self, report: &Claimed) -> bool {
        let mut state = self.state.lock();
        let Some(finished) = state.finished.get_mut(&report.serial) else {
            return false;
        };
        let is_known = finished.numbers.contains(&report.sequence);
        let counts = !is_known && (1..=finished.left).contains(&report.uses);
        if counts {
            finished.left -= report.uses;
            finished.numbers.push(report.sequence);
        }
        counts
    }
}

impl State {
    /// When a lease is over; `None` if it has been for so long that what was known of it may be dropped.
    fn ends(&mut self, report: &Claimed, now: BootTime) -> Option<BootTime> {
        self.latest = self.latest.max(now);
        self.taken_by.note(report.serial, self.latest);
        let ends = self.taken_by.of(report.serial)?.after(report.lasts);
        let ends = report.renewed.map_or(ends, |until| until.max(ends));
        (self.latest < ends.after(GRACE)).then_some(ends)
    }

    /// `None` if it is older than anything kept.
    fn is_done(&mut self, report: &Claimed, ends: BootTime) -> Option<bool> {
        let number = report.serial / CHUNK_LEASES;
        if number < self.floor {
            return None;
        }
        if !self.chunks.contains_key(&number) {
            self.make_room(self.latest);
            self.will_end(ends);
        }
        let chunk = self.chunks.entry(number).or_insert_with(|| Chunk {
            ends,
            done: vec![0; (CHUNK_LEASES / 64) as usize],
            is_vague: false,
        });
        chunk.ends = chunk.ends.max(ends);
        let (word, bit) = place(report.serial);
        Some(chunk.done[word] & bit != 0)
    }

    /// What a report is to a lease that is done: one of those that made it so, or one too many.
    fn again(&self, report: &Claimed) -> Entry {
        let chunk = self.chunks.get(&(report.serial / CHUNK_LEASES));
        let finished = self.finished.get(&report.serial);
        let is_known = finished.map_or(report.sequence == 0, |f| {
            f.numbers.contains(&report.sequence)
        });
        if is_known || chunk.is_some_and(|chunk| chunk.is_vague) {
            Entry::Duplicate
        } else {
            Entry::Exhausted
        }
    }

    fn set_done(&mut self, report: &Claimed, earlier: &[u32], left: u32) {
        let Some(chunk) = self.chunks.get_mut(&(report.serial / CHUNK_LEASES)) else {
            return;
        };
        let (word, bit) = place(report.serial);
        chunk.done[word] |= bit;
        if earlier.is_empty() && report.sequence == 0 && left == 0 {
            return;
        }
        if self.finished.len() >= NUMBERED_MAX {
            chunk.is_vague = true;
            return;
        }
        let numbers = [earlier, &[report.sequence]].concat();
        let finished = Finished { numbers, left };
        self.finished.insert(report.serial, finished);
    }

    fn enter_part(&mut self, report: &Claimed, ends: BootTime) -> Entry {
        if !self.partial.has_room(report) {
            return Entry::Full;
        }
        self.will_end(ends);
        self.partial.enter(report, ends)
    }

    /// Drops what has ended; if that is not enough, the oldest.
    fn make_room(&mut self, now: BootTime) {
        if self.earliest_end.is_some_and(|end| now >= end.after(GRACE)) {
            self.drop_ended(now);
        }
        while self.chunks.len() >= CHUNKS_MAX {
            if let Some((number, _)) = self.chunks.pop_first() {
                self.floor = number + 1;
                self.forget_finished();
            }
        }
    }

    fn forget_finished(&mut self) {
        let chunks = &self.chunks;
        self.finished
            .retain(|serial, _| chunks.contains_key(&(serial / CHUNK_LEASES)));
    }

    fn drop_ended(&mut self, now: BootTime) {
        self.chunks.retain(|_, chunk| now < chunk.ends.after(GRACE));
        self.forget_finished();
        self.partial
            .retain(|partial| now < partial.ends.after(GRACE));
        let chunks = self.chunks.values().map(|chunk| chunk.ends);
        let partial = self.partial.values().map(|partial| partial.ends);
        self.earliest_end = chunks.chain(partial).min();
    }

    fn will_end(&mut self, at: BootTime) {
        self.earliest_end = Some(self.earliest_end.map_or(at, |earliest| earliest.min(at)));
    }
}

/// The word of a chunk that holds a lease's bit, and the bit.
const fn place(serial: u64) -> (usize, u64) {
    let bit = serial % CHUNK_LEASES;
    ((bit / 64) as usize, 1 << (bit % 64))
}

mod entry;
mod going_on;
mod parts;
mod taken_by;
#[cfg(test)]
mod tests;
