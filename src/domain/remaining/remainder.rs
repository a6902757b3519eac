//! What is left of one budget: what was said, less what was leased since.

use uuid::Uuid;

use super::open::{Lent, Open};
use super::{Short, Word};
use crate::domain::classify::{Spent, Statement};
use crate::domain::limit::Dimension;
use crate::domain::time::Timestamp;

mod window;

use window::Window;

/// What is left of one budget.
#[derive(Debug)]
pub(super) struct Remainder {
    word: Word,
    said: Statement,
    /// When it was said, as far as is known: when it was reported.
    at: Timestamp,
    /// When all of it is back.
    until: Timestamp,
    /// Leases that were given since then are counted.
    ///
    /// Those that were given before, and not reported yet, are not: the provider counted uses as they arrived, so each of them may be in
    /// what it said or not. Counting them against it would stop an account that has many under way with as much of its budget unused,
    /// until the reset; leaving them out lets at most those through that are on their way already, and their answers say so.
    since: Timestamp,
    leased: u64,
    /// As many uses that is.
    uses: u64,
    /// Of those, what is under way: the rest is reported, so that the provider has seen it, or its leases have ended.
    open: Open,
}

impl Remainder {
    /// What is said to be left, and nothing leased since. `None` where nobody knows until when, or that is over.
    pub(super) fn new(word: Word, said: Statement, now: Timestamp) -> Option<Self> {
        let reset = said.until_reset().filter(|reset| !reset.is_zero())?;
        Some(Self {
            word,
            said,
            at: now,
            until: now.after(reset),
            since: now,
            leased: 0,
            uses: 0,
            open: Open::default(),
        })
    }

    pub(super) fn is_of(&self, budget: usize, bound: Option<Uuid>) -> bool {
        self.said.budget == budget && self.word.bound() == bound
    }

    pub(super) fn is_in_force(&self, now: Timestamp) -> bool {
        now < self.until
    }

    pub(super) fn binds(&self, caller: Uuid) -> bool {
        self.word.bound().is_none_or(|bound| bound == caller)
    }

    /// Begun by this caller among all that bind everybody.
    pub(super) fn is_by(&self, caller: Uuid) -> bool {
        self.word.caller == caller
    }

    pub(super) const fn word(&self) -> &Word {
        &self.word
    }

    pub(super) const fn until(&self) -> Timestamp {
        self.until
    }

    pub(super) const fn dimension(&self) -> Dimension {
        self.said.dimension
    }

    fn left(&self, now: Timestamp) -> u64 {
        let back = self.said.back(now.since(self.at));
        let all = self.said.remaining.unwrap_or(0).saturating_add(back);
        let all = self.said.limit.map_or(all, |limit| all.min(limit));
        all.saturating_sub(self.leased)
    }

    /// For how many uses of so many units it is enough, where it is for one.
    pub(super) fn fits(&self, units: u64, now: Timestamp) -> u64 {
        (self.left(now) / units.max(1)).max(1)
    }

    /// What it comes to for a use of so many units, where it is not enough for that.
    pub(super) fn short_of(&self, place: &str, units: u64, now: Timestamp) -> Option<Short> {
        let lacking = self.lacking(units, now);
        if lacking == 0 {
            return None;
        }
        let rest = self.until.since(now);
        let steadily = self.said.takes(lacking.saturating_add(self.owed(now)));
        let spent = Spent::of(steadily.map_or(rest, |wait| wait.min(rest)));
        let (class, dimension) = (spent.class.as_str(), self.said.dimension.as_str());
        let (left, leased) = (self.said.remaining.unwrap_or(0), self.leased);
        Some(Short {
            place: place.to_owned(),
            word: self.word.clone(),
            spent,
            why: format!(
                "{class} ({left} {dimension} left, by its headers, and {leased} leased since)"
            ),
            is_steady: self.said.is_steady(),
        })
    }

    /// Nothing is left.
    pub(super) fn is_spent(&self, now: Timestamp) -> bool {
        self.lacking(1, now) > 0
    }

    fn lacking(&self, units: u64, now: Timestamp) -> u64 {
        self.said.needed(units).saturating_sub(self.left(now))
    }

    /// What is leased beyond all that is left.
    fn owed(&self, now: Timestamp) -> u64 {
        let back = self.said.back(now.since(self.at));
        let all = self.said.remaining.unwrap_or(0).saturating_add(back);
        self.leased.saturating_sub(all)
    }

    /// So many uses of so many units are leased.
    pub(super) fn lease(&mut self, units: u64, uses: u64, lent: Lent) {
        if lent.given >= self.since {
            let units = units.saturating_mul(uses);
            self.leased = self.leased.saturating_add(units);
            self.uses = self.uses.saturating_add(uses);
            self.open.lease(units, lent);
        }
    }

    /// So many uses of a lease are reported.
    pub(super) fn answer(&mut self, units: Option<u64>, uses: u64, lent: Lent) {
        let units = self.counted(units, uses, lent.given);
        self.open.report(units, lent);
    }

    /// The same of uses that were not sent.
    pub(super) fn give_back(&mut self, units: Option<u64>, uses: u64, lent: Lent) {
        let units = self.counted(units, uses, lent.given);
        if units > 0 {
            self.leased = self.leased.saturating_sub(units);
            self.open.report(units, lent);
            self.uses = self.uses.saturating_sub(uses);
        }
    }

    /// As many units were counted for them: where nobody knows what was, as many as for others.
    fn counted(&self, units: Option<u64>, uses: u64, given: Timestamp) -> u64 {
        if given < self.since || self.uses == 0 {
            return 0;
        }
        let units = match self.said.dimension {
            Dimension::Requests => 1,
            Dimension::Tokens | Dimension::InputTokens | Dimension::OutputTokens => {
                units.unwrap_or_else(|| self.average())
            }
            Dimension::CostMicros | Dimension::Concurrency => 0,
        };
        units.saturating_mul(uses)
    }

    fn average(&self) -> u64 {
        self.leased.div_ceil(self.uses.max(1)).max(1)
    }

    /// Another answer speaks of the same budget, to a use of a lease that was given then. True where that is more than was thought.
    ///
    /// Only of a lease that was given after the last one was heard is it known that its answer is the later one: reports come in any order.
    /// Of others the smaller remainder counts.
    pub(super) fn hear(
        &mut self,
        (word, given): (Word, Timestamp),
        said: Statement,
        now: Timestamp,
    ) -> bool {
        let (left, is_later) = (self.left(now), given >= self.at);
        let remaining = said.remaining.unwrap_or(0);
        let Some(new) = Self::new(word, said, now) else {
            // Where nothing is used the reset is now; of a window that is over nothing else is news.
            let is_back = is_later && said.is_full();
            if is_back {
                self.until = now;
            }
            return is_back;
        };
        match self.window_of(&new, given) {
            Window::Later => {}
            Window::Older if is_later => {}
            Window::Older => return false,
            Window::Same if remaining <= left => {
                let until = new.until.min(self.until);
                *self = Self { until, ..new };
                return false;
            }
            Window::OneByOne if remaining <= left => {}
            Window::Same | Window::OneByOne => return is_later && self.hear_more(new, left),
        }
        *self = new;
        remaining > left
    }

    /// A later answer says that more is left. What is leased and not reported yet may be in that or not: it is taken not to be, unless less
    /// were left by that than was thought.
    fn hear_more(&mut self, new: Self, left: u64) -> bool {
        let under_way = self.open.units(new.at).min(self.leased);
        if new.said.remaining.unwrap_or(0).saturating_sub(under_way) <= left {
            return false;
        }
        *self = Self {
            since: self.since,
            leased: under_way,
            uses: under_way.div_ceil(self.average()),
            open: std::mem::take(&mut self.open),
            ..new
        };
        true
    }
}
