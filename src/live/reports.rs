//! Which leases of this replica have been reported: each use counts once, whatever is sent again.
//!
//! Leases are numbered without gaps, so one bit each is enough: a hundred thousand a second for ten minutes are 8 MB. Only leases that
//! are reported in parts need more, until they are done.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

use crate::domain::time::Timestamp;

/// Leases per chunk of bits.
const CHUNK_LEASES: u64 = 8_192;
/// The most chunks kept: 64 MiB of bits, half a billion leases. Reports on older leases are late.
const CHUNKS_MAX: usize = 65_536;
/// The most leases that are reported in part at one time.
const PARTIAL_MAX: usize = 100_000;

/// Which leases have been reported.
#[derive(Debug, Default)]
pub struct Reports {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Chunk>,
    partial: HashMap<u64, Partial>,
}

#[derive(Debug)]
struct Chunk {
    first: u64,
    ends: Timestamp,
    done: Vec<u64>,
}

/// A lease that is reported in parts.
#[derive(Debug)]
struct Partial {
    ends: Timestamp,
    sequences: Vec<u32>,
    reported: u32,
}

/// One report of one lease.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
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
    /// When reports on this lease come too late.
    pub ends: Timestamp,
}

/// What is known of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It counts.
    New,
    /// It was counted before.
    Duplicate,
    /// It says more uses than are left; so many are.
    TooMany(u32),
    /// Too many leases are being reported in parts; report whole, or later.
    Full,
    /// The lease is older than anything kept.
    Forgotten,
}

impl Reports {
    /// Counts a report, once.
    pub fn enter(&self, report: &Claimed, now: Timestamp) -> Entry {
        let mut state = self.state.lock();
        state.forget(now);
        let Some(is_done) = state.is_done(report.serial, report.ends) else {
            return Entry::Forgotten;
        };
        let partial = state.partial.get(&report.serial);
        if is_done || partial.is_some_and(|p| p.sequences.contains(&report.sequence)) {
            return Entry::Duplicate;
        }
        let reported = partial.map_or(0, |p| p.reported);
        let left = report.granted.saturating_sub(reported);
        if report.uses > left {
            return Entry::TooMany(left);
        }
        if report.is_final || report.uses == left {
            state.partial.remove(&report.serial);
            state.set_done(report.serial);
            return Entry::New;
        }
        state.enter_part(report)
    }
}

impl State {
    fn forget(&mut self, now: Timestamp) {
        while self.chunks.front().is_some_and(|c| c.ends < now) && self.chunks.len() > 1 {
            self.chunks.pop_front();
        }
        if self.partial.len() >= PARTIAL_MAX {
            self.partial.retain(|_, partial| now < partial.ends);
        }
    }

    /// `None` if it is older than anything kept.
    fn is_done(&mut self, serial: u64, ends: Timestamp) -> Option<bool> {
        self.grow(serial);
        let chunk = self.chunk(serial)?;
        chunk.ends = chunk.ends.max(ends);
        let bit = serial - chunk.first;
        Some(chunk.done[(bit / 64) as usize] >> (bit % 64) & 1 == 1)
    }

    fn set_done(&mut self, serial: u64) {
        if let Some(chunk) = self.chunk(serial) {
            let bit = serial - chunk.first;
            chunk.done[(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }

    fn enter_part(&mut self, report: &Claimed) -> Entry {
        if self.partial.len() >= PARTIAL_MAX && !self.partial.contains_key(&report.serial) {
            return Entry::Full;
        }
        let partial = self.partial.entry(report.serial).or_insert(Partial {
            ends: report.ends,
            sequences: Vec::new(),
            reported: 0,
        });
        partial.sequences.push(report.sequence);
        partial.reported += report.uses;
        Entry::New
    }

    fn chunk(&mut self, serial: u64) -> Option<&mut Chunk> {
        let first = self.chunks.front()?.first;
        let index = usize::try_from(serial.checked_sub(first)? / CHUNK_LEASES).ok()?;
        self.chunks.get_mut(index)
    }

    /// Makes room up to `serial`. It was sealed by this replica, so it is a number this replica gave.
    fn grow(&mut self, serial: u64) {
        let aligned = serial - serial % CHUNK_LEASES;
        let mut next = self
            .chunks
            .back()
            .map_or(aligned, |c| c.first + CHUNK_LEASES);
        while next <= serial {
            self.chunks.push_back(Chunk {
                first: next,
                ends: Timestamp::from_micros(0),
                done: vec![0; (CHUNK_LEASES / 64) as usize],
            });
            next += CHUNK_LEASES;
            if self.chunks.len() > CHUNKS_MAX {
                self.chunks.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(serial: u64, sequence: u32, uses: u32, granted: u32) -> Claimed {
        Claimed {
            serial,
            sequence,
            uses,
            granted,
            is_final: false,
            ends: Timestamp::from_micros(1_000_000),
        }
    }

    const NOW: Timestamp = Timestamp::from_micros(1);

    #[test]
    fn a_lease_of_one_use_is_reported_once() {
        let reports = Reports::default();
        assert_eq!(reports.enter(&report(7, 0, 1, 1), NOW), Entry::New);
        assert_eq!(reports.enter(&report(7, 0, 1, 1), NOW), Entry::Duplicate);
        assert_eq!(reports.enter(&report(7, 1, 1, 1), NOW), Entry::Duplicate);
        assert_eq!(reports.enter(&report(8, 0, 1, 1), NOW), Entry::New);
    }

    #[test]
    fn a_batch_is_reported_in_parts_that_add_up() {
        let reports = Reports::default();
        assert_eq!(reports.enter(&report(1, 0, 4, 10), NOW), Entry::New);
        assert_eq!(reports.enter(&report(1, 0, 4, 10), NOW), Entry::Duplicate);
        assert_eq!(reports.enter(&report(1, 1, 7, 10), NOW), Entry::TooMany(6));
        assert_eq!(reports.enter(&report(1, 1, 6, 10), NOW), Entry::New);
        assert_eq!(reports.enter(&report(1, 2, 1, 10), NOW), Entry::Duplicate);
        assert!(reports.state.lock().partial.is_empty());
    }

    #[test]
    fn chunks_of_leases_that_have_ended_are_dropped() {
        let reports = Reports::default();
        for serial in (0..20 * CHUNK_LEASES).step_by(1_000) {
            reports.enter(&report(serial, 0, 1, 1), NOW);
        }
        assert_eq!(reports.state.lock().chunks.len(), 20);
        let late = Timestamp::from_micros(2_000_000);
        reports.enter(&report(20 * CHUNK_LEASES, 0, 1, 1), late);
        assert!(reports.state.lock().chunks.len() <= 2);
        assert_eq!(reports.enter(&report(5, 0, 1, 1), late), Entry::Forgotten);
    }
}
