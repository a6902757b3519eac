//! What the database said no to, by need: when it is worth asking again, and when a need will be free.

use std::collections::BTreeMap;

use crate::domain::ledger::work::Wait;
use crate::domain::time::BootTime;

/// The most needs that are remembered. Without the smallest, those below the next are asked for once more.
const NEEDS_MAX: usize = 64;

/// What was refused since something was granted last.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// For whatever is needed: the limit is frozen, or the database has not answered.
    all: Wait,
    /// Needs that were refused.
    needs: BTreeMap<u64, Told>,
}

/// What was said of one need.
#[derive(Debug, Clone, Copy)]
struct Told {
    ask_at: BootTime,
    clears_at: BootTime,
}

impl Refusals {
    /// When it is worth asking for so many units. What is as large as something that was refused is refused too, and is free when the
    /// next larger one is that was; what is larger than all of them, or smaller, has not been answered yet.
    pub(super) fn wait_for(&self, units: u64) -> Wait {
        let no = self.needs.range(..=units).next_back().map(|(_, no)| *no);
        let larger = self.needs.range(units..).next().map(|(_, no)| *no);
        let own = match (no, larger) {
            (Some(no), Some(larger)) => Wait {
                ask_at: no.ask_at,
                clears_at: larger.clears_at,
                ..Wait::default()
            },
            (Some(no), None) => Wait {
                clears_at: no.clears_at,
                ..Wait::default()
            },
            (None, _) => Wait::default(),
        };
        own.and(self.all)
    }

    /// The database refused so many units.
    pub(super) fn refused(&mut self, units: u64, wait: Wait, now: BootTime) {
        self.all = if wait.is_frozen {
            wait
        } else {
            Wait::default()
        };
        self.put(units, wait.ask_at, wait.clears_at, now);
    }

    /// Nothing is known any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Asking makes sense again, whatever was said.
    pub(super) fn returned(&mut self) {
        self.all.ask_at = BootTime::default();
        let told = self.needs.values_mut();
        told.for_each(|told| told.ask_at = BootTime::default());
    }

    /// Nobody knows what the database says: it is asked again at this time.
    pub(super) fn unanswered(&mut self, ask_at: BootTime, is_there: bool) {
        self.all.ask_at = ask_at;
        self.all.clears_at = self.all.clears_at.max(ask_at);
        self.all.is_unreachable = !is_there;
    }

    /// The database counts as unreachable until it answers.
    pub(super) const fn late(&mut self) {
        self.all.is_unreachable = true;
    }

    pub(super) const fn is_unreachable(&self) -> bool {
        self.all.is_unreachable
    }

    fn put(&mut self, units: u64, ask_at: BootTime, clears_at: BootTime, now: BootTime) {
        let is_news = |told: &Told| told.ask_at > now || told.clears_at > now;
        self.needs.retain(|_, told| is_news(told));
        // A larger need is free no sooner, and a smaller one no later.
        for (need, told) in &mut self.needs {
            told.clears_at = match *need < units {
                true => told.clears_at.min(clears_at),
                false => told.clears_at.max(clears_at),
            };
        }
        self.needs.insert(units, Told { ask_at, clears_at });
        if self.needs.len() > NEEDS_MAX {
            self.needs.pop_first();
        }
    }
}
