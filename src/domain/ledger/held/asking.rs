//! What is asked of the database, and what becomes of the answer.

use super::line::First;
use super::{Held, REFILL_AFTER_QUARTERS};
use crate::domain::ledger::block::{Block, Closed, Use};
use crate::domain::ledger::grant::{Ask, Urgency};
use crate::domain::ledger::work::{Answer, Wait, Work};
use crate::domain::limit::Mode;
use crate::domain::terms::Span;
use crate::domain::time::BootTime;

/// Needs that could not be met since the last answer.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// Of calls that can be met in time, as far as is known.
    pub(super) due: Needs,
    /// Of those that hope for what comes back: asked for where nobody else needs anything.
    pub(super) hoped: Needs,
    /// Somebody waits in line for more than the answer that is on its way.
    pub(super) is_awaited: bool,
}

/// Some needs.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Of one use of the first of them.
    first: Option<u64>,
    /// Of one use of the smallest of them.
    least: Option<u64>,
    /// Of one use of the largest of them.
    largest: u64,
    /// Units, together.
    units: u64,
}

impl Needs {
    pub(super) fn add(&mut self, units: u64, uses: u64) {
        self.first.get_or_insert(units);
        self.least = Some(self.least.map_or(units, |least| least.min(units)));
        self.largest = self.largest.max(units);
        self.units = self.units.saturating_add(units.saturating_mul(uses));
    }
}

impl Missed {
    pub(super) const fn is_empty(&self) -> bool {
        self.due.units == 0 && self.hoped.units == 0
    }

    /// What must be granted at least: the need of the first, or of those that only hope the smallest, which is the soonest met.
    fn need(&self) -> Option<u64> {
        self.due.first.or(self.hoped.least)
    }

    fn largest(&self) -> u64 {
        self.due.largest.max(self.hoped.largest)
    }

    const fn units(&self) -> u64 {
        if self.due.units == 0 {
            self.hoped.units
        } else {
            self.due.units
        }
    }
}

impl Held {
    /// Whether the database should be asked now, and for what.
    /// `is_paced`: what was granted last may be forgotten by the database, so that little may be asked of a long window at a time.
    pub fn ask(&mut self, is_paced: bool, now: BootTime) -> Option<Ask> {
        self.close_over(now);
        let amount = match self.limit.mode {
            Mode::Enforce => self.limit.ledger_amount(),
            Mode::Shadow => u64::MAX,
        };
        // Those behind the first in line may have missed before it did: a share for one of them would lie idle, and a claim be lost.
        let first = self.line.first_due();
        let need = first.map(|first| first.units).or(self.missed.need());
        let need = need.unwrap_or(1).clamp(1, amount);
        let largest = self.missed.largest().clamp(need, amount);
        let missed = self.missed.units();
        let urgency = self.urgency(first);
        let is_known = |units| now < self.refusals.wait_for(units).ask_at;
        if self.reserving || (is_known(need) && is_known(largest)) {
            return None;
        }
        if !urgency.is_there() && now < self.ahead_at {
            return None;
        }
        let per_validity = self.demand.per_validity(now, self.limit.terms().validity);
        let refill = missed == 0 && per_validity > 1 && self.runs_out(per_validity, now);
        if missed == 0 && !refill {
            return None;
        }
        let expected = self.with_growth(per_validity);
        let want = expected.saturating_add(missed).min(amount);
        self.pace.keep(is_paced);
        let held = self.pace.hold(want, need, &self.limit, now);
        self.put_off = held.err().filter(|_| is_paced);
        let want = match held {
            Ok(held) if is_paced => held.max(need),
            _ => want.max(need),
        };
        self.asked = Ask {
            need,
            want,
            lacking: missed.min(want),
            largest,
            urgency,
            only_looks: self.put_off.is_some(),
        };
        Some(self.asked)
    }

    /// Who goes without, if nothing is granted. Where nobody is in line, whoever missed something was refused and has gone.
    fn urgency(&self, first: Option<First>) -> Urgency {
        let is_awaited = first.map_or(self.missed.is_awaited, |first| first.is_patient);
        match (self.missed.is_empty() && first.is_none(), is_awaited) {
            (true, _) => Urgency::Ahead,
            _ if self.line.is_empty() => Urgency::Gone,
            (false, true) => Urgency::Awaited,
            (false, false) => Urgency::Lacking,
        }
    }

    /// It has enough now, and may have none at a time to come, when its pace puts off the next ask: until when.
    #[must_use]
    pub fn puts_off(&self, units: u64, at: BootTime) -> Option<BootTime> {
        let mut open = self.open.iter();
        let serves = open.any(|block| block.left() >= units && at < block.valid_until);
        let put_off = || self.pace.puts_off(units, &self.limit, at);
        (!serves).then(put_off)?
    }

    /// The ask is on its way.
    pub const fn asked(&mut self, now: BootTime) {
        self.reserving = true;
        self.asked_at = now;
    }

    /// The answer came. A block that came too late is returned whole; it stays charged until that is committed.
    pub fn answered(&mut self, answer: &Answer, now: BootTime) {
        self.reserving = false;
        self.counted.over += answer.unasked_over;
        self.missed = Missed::default();
        self.seen = self.seen.max(answer.last);
        self.is_raised |= answer.is_raised;
        let Ask {
            need,
            largest,
            urgency,
            ..
        } = self.asked;
        self.weigh(answer.units, &answer.terms);
        let says_little = match urgency {
            Urgency::Ahead => answer.units == 0,
            // What is promised to others is no answer to whoever needs something.
            Urgency::Gone => answer.is_kept,
            Urgency::Lacking | Urgency::Awaited => false,
        };
        if says_little {
            self.ahead_at = answer.wait.not_before(self.put_off).ask_at;
            return;
        }
        if answer.units == 0 {
            return self.refused(answer, need, largest, now);
        }
        self.refusals.clear();
        self.ahead_at = BootTime::default();
        self.line.granted(need);
        self.pace.granted(answer.units, answer.sent);
        let block = Block {
            number: answer.block,
            units: answer.units,
            within: answer.within,
            sent: answer.sent,
            valid_until: answer.sent.after(answer.terms.validity),
            terms: answer.terms,
            charged_until: now.after(answer.terms.charge_time()),
            use_of: Use::default(),
        };
        self.keep_most(&block, now);
        if now < block.valid_until {
            self.open.push_back(block);
        } else {
            self.close(block);
        }
    }

    /// Nothing was granted: to the first need, and so not to the largest either.
    fn refused(&mut self, answer: &Answer, need: u64, largest: u64, now: BootTime) {
        let of_need = answer.wait.not_before(self.put_off);
        let of_largest = Wait {
            clears_at: answer.largest_clears_at,
            ..answer.wait
        };
        let of_largest = of_largest.not_before(self.put_off);
        self.refusals.refused(largest, of_largest, now);
        self.refusals.refused(need, of_need, now);
        // What is held comes back with any report, whenever it would at the latest: nobody's wait for it is in vain.
        let comes_back = match answer.terms.span {
            Span::Held(_) => BootTime::default(),
            Span::Rolling(_) | Span::Calendar(_) => of_need.clears_at,
        };
        self.line.refused(need, comes_back, now);
    }

    /// Whether a raise is to be seen to be committed, which any transaction does.
    pub const fn take_raised(&mut self) -> bool {
        std::mem::replace(&mut self.is_raised, false)
    }

    /// It was not, if that was all that was said.
    pub const fn say_raised_again(&mut self, said: &Work) {
        self.is_raised |= said.ask.is_none() && said.returns.is_empty() && said.charge.is_none();
    }

    /// No answer came, so nobody knows whether the block exists: it is returned whole, and stays charged until that is committed.
    pub fn unanswered(&mut self, block: u64, is_there: bool, ask_at: BootTime, now: BootTime) {
        self.reserving = false;
        self.refusals.unanswered(ask_at, is_there);
        let terms = self.limit.terms();
        let closed = Closed {
            use_of: Use::default(),
            terms,
            charged_until: now.after(terms.charge_time()),
        };
        self.keep(block, closed);
    }

    /// No answer has come yet, and one should have: until it does, the database counts as unreachable.
    pub const fn late(&mut self) {
        if self.reserving {
            self.refusals.late();
        }
    }

    /// Whether what is left ends, in units or in time, before the next answer can be here.
    fn runs_out(&self, per_validity: u64, now: BootTime) -> bool {
        let fresh = |b: &&Block| {
            now.since(b.sent) < b.valid_until.since(b.sent) * REFILL_AFTER_QUARTERS / 4
        };
        let left: u64 = self.open.iter().filter(fresh).map(Block::left).sum();
        left.saturating_mul(4) < per_validity
    }
}
