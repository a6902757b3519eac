//! Leases that are reported in parts, until they are done.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Claimed, Entry};
use crate::domain::ledger::block::Ending;
use crate::domain::time::BootTime;

/// The most leases of one caller that are reported in part at one time: one caller alone cannot use up the room of all.
pub(super) const PARTIAL_OF_CALLER_MAX: usize = 25_000;
/// The most leases that are reported in part at one time.
pub(super) const PARTIAL_MAX: usize = 100_000;

/// Leases that are reported in parts, by number.
#[derive(Debug, Default)]
pub(super) struct Parts {
    by_serial: HashMap<u64, Partial>,
    /// How many are whose.
    of_callers: HashMap<Uuid, usize>,
}

/// A lease that is reported in parts.
#[derive(Debug)]
pub(super) struct Partial {
    caller: Uuid,
    pub(super) ends: BootTime,
    pub(super) sequences: Vec<u32>,
    pub(super) reported: u32,
    pub(super) ending: Ending,
}

impl Parts {
    pub(super) fn contains_key(&self, serial: &u64) -> bool {
        self.by_serial.contains_key(serial)
    }

    pub(super) fn get(&self, serial: &u64) -> Option<&Partial> {
        self.by_serial.get(serial)
    }

    pub(super) fn get_mut(&mut self, serial: &u64) -> Option<&mut Partial> {
        self.by_serial.get_mut(serial)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Partial> {
        self.by_serial.values()
    }

    /// Whether this report can be entered.
    pub(super) fn has_room(&self, report: &Claimed) -> bool {
        let of_caller = self.of_callers.get(&report.caller).copied().unwrap_or(0);
        let has_room = self.by_serial.len() < PARTIAL_MAX && of_caller < PARTIAL_OF_CALLER_MAX;
        has_room || self.contains_key(&report.serial)
    }

    /// A report that is not the last of its lease.
    pub(super) fn enter(&mut self, report: &Claimed, ends: BootTime) -> Entry {
        let partial = self.by_serial.entry(report.serial).or_insert_with(|| {
            *self.of_callers.entry(report.caller).or_default() += 1;
            Partial {
                caller: report.caller,
                ends,
                sequences: Vec::new(),
                reported: 0,
                ending: report.ending,
            }
        });
        partial.sequences.push(report.sequence);
        partial.reported += report.uses;
        partial.ending = partial.ending.and(Some(report.ending));
        Entry::New(None)
    }

    pub(super) fn remove(&mut self, serial: &u64) -> Option<Partial> {
        let partial = self.by_serial.remove(serial)?;
        if let Some(count) = self.of_callers.get_mut(&partial.caller) {
            *count -= 1;
            if *count == 0 {
                self.of_callers.remove(&partial.caller);
            }
        }
        Some(partial)
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Partial) -> bool) {
        self.by_serial.retain(|_, partial| keep(partial));
        self.of_callers.clear();
        for partial in self.by_serial.values() {
            *self.of_callers.entry(partial.caller).or_default() += 1;
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_serial.is_empty() && self.of_callers.is_empty()
    }
}
