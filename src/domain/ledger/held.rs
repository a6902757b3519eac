//! One limit as one replica holds it: the open blocks it may hand out from, and the closed ones whose use can still be settled.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::block::{Block, Closed, Draw, Use};
use super::demand::Demand;
use super::entry::Seen;
use super::grant::Ask;
use super::holds::Holds;
use super::offline::serving::Serving;
use super::pace::Pace;
use super::work::Wait;
use crate::domain::limit::{Limit, Mode};
use crate::domain::terms::{Span, Terms};
use crate::domain::time::BootTime;

mod asking;
mod holding;
mod keeping;
#[cfg(test)]
mod laws;
mod line;
mod offline;
mod overuse;
mod refusals;
mod returning;
mod waiting;

use asking::Missed;
pub use holding::Renewed;
use line::Line;
use overuse::Overuse;
use refusals::Refusals;
pub use waiting::Waiter;

/// Closed blocks that can still be settled, per limit with a window. Older ones keep their full charge, which is what silence costs
/// anyway. Those of a limit of concurrency are forgotten once nothing of them is held: no more than leases are out.
const CLOSED_MAX: usize = 4_096;
/// After this share of D the next block is asked for, so that demand meets it before the old one ends: in quarters.
const REFILL_AFTER_QUARTERS: u32 = 3;

/// A place in line: smaller came earlier, over all pools.
pub type Ticket = u64;

/// One limit as one replica holds it.
#[derive(Debug)]
pub struct Held {
    limit: Arc<Limit>,
    open: VecDeque<Block>,
    closed: BTreeMap<u64, Closed>,
    /// Closed blocks of which the database does not know the latest.
    unsaid: Vec<u64>,
    /// Since when something is known that the database does not know.
    unsaid_since: Option<BootTime>,
    /// The limit has plenty, so what is known of closed blocks may wait for the next ask.
    is_ample: bool,
    overuse: Overuse,
    holds: Holds,
    demand: Demand,
    missed: Missed,
    line: Line,
    reserving: bool,
    asked_at: BootTime,
    refusals: Refusals,
    offline: Serving,
    /// What is asked for.
    asked: Ask,
    /// Before this nothing is asked for that nobody lacks.
    ahead_at: BootTime,
    /// Until then nothing is to be granted, and the database is only asked when there is room: the pace is kept here.
    put_off: Option<BootTime>,
    /// The last grant seen: a database that has an earlier one has lost writes.
    seen: Seen,
    /// The largest block ever granted.
    units_max: u64,
    /// The longest charge time of a block, until that block's charge has ended.
    longest: (Duration, BootTime),
    pace: Pace,
    /// It is to be seen that a raise is committed: see [`Raise`](super::losable::Raise).
    is_raised: bool,
    counted: Units,
}

/// Units, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Units {
    /// Handed out with leases.
    pub granted: u64,
    /// Given back to the database unused.
    pub returned: u64,
    /// Handed out while the database could not be reached.
    pub offline: u64,
    /// Handed out by a shadow, where the limit would have refused.
    pub over: u64,
}

/// How long a lease lasts, from when it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// It is started by then.
    pub start: Duration,
    /// It is reported by then.
    pub report: Duration,
}

impl Within {
    /// For both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            report: self.report.min(other.report),
        }
    }

    fn of(terms: &Terms) -> Self {
        let report = match terms.span {
            Span::Held(longest) => longest,
            Span::Rolling(_) | Span::Calendar(_) => Duration::MAX,
        };
        Self {
            start: terms.start_within,
            report,
        }
    }
}

/// What one limit says to a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// So many uses, each of the units asked for, from one block.
    Uses(u64, Within),
    /// So many uses, from its slot, while the database cannot be reached.
    Offline(u64, Within),
    /// None now.
    None(Wait),
}

impl Held {
    /// Nothing held yet.
    #[must_use]
    pub fn new(limit: Arc<Limit>) -> Self {
        Self {
            limit,
            open: VecDeque::new(),
            closed: BTreeMap::new(),
            unsaid: Vec::new(),
            unsaid_since: None,
            is_ample: false,
            overuse: Overuse::default(),
            holds: Holds::default(),
            demand: Demand::default(),
            missed: Missed::default(),
            line: Line::default(),
            reserving: false,
            asked_at: BootTime::default(),
            refusals: Refusals::default(),
            offline: Serving::default(),
            asked: Ask::default(),
            ahead_at: BootTime::default(),
            put_off: None,
            seen: Seen::NONE,
            units_max: 0,
            longest: (Duration::ZERO, BootTime::default()),
            pace: Pace::default(),
            is_raised: false,
            counted: Units::default(),
        }
    }

    /// The limit as configured.
    #[must_use]
    pub const fn limit(&self) -> &Arc<Limit> {
        &self.limit
    }

    /// A shadow: it keeps nobody from anything.
    #[must_use]
    pub fn only_counts(&self) -> bool {
        self.limit.mode == Mode::Shadow
    }

    /// The last grant seen.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.seen
    }

    /// The limit was changed. Blocks that are out keep their own terms; a raise may be asked for at once. What a shadow was granted, which
    /// never refuses, is no permit of a limit that does.
    pub fn reconfigure(&mut self, limit: Arc<Limit>) {
        if limit.rev != self.limit.rev {
            self.refusals.clear();
            self.ahead_at = BootTime::default();
        }
        if limit.mode != self.limit.mode {
            self.close_open();
        }
        // Another one may have been granted meanwhile, should it become the same again.
        if limit.offline_plan() != self.limit.offline_plan() {
            self.offline.unripen();
        }
        self.limit = limit;
    }

    /// What could be taken now for uses of `units` each, at most `uses`, by a call with this place in line (`None`: it has just
    /// arrived). Nothing while somebody waits for this limit who came earlier and goes first.
    pub fn offer(&mut self, units: u64, uses: u64, ticket: Option<Ticket>, now: BootTime) -> Offer {
        self.close_over(now);
        let at_hand = self.at_hand();
        if let Some(first) = self.line.holds_up(ticket, |needed| needed <= at_hand) {
            return Offer::None(self.wait_behind(first, units, now));
        }
        let fit = self.uses_for(units, ticket);
        let within = self.open.iter().map(|b| Within::of(&b.terms));
        match within.reduce(Within::and) {
            Some(within) if fit > 0 => Offer::Uses(fit.min(uses), within),
            _ => Offer::None(self.refusals.wait_for(units)),
        }
    }

    /// Demand of so many units was seen: what is asked for is sized by it.
    pub fn demand(&mut self, units: u64, now: BootTime) {
        self.demand.add(units, now, self.limit.terms().validity);
    }

    /// Takes `uses` of `units` each, as offered just before, for a lease that is reported within so long of `now`.
    pub fn take(
        &mut self,
        units: u64,
        uses: u64,
        ticket: Option<Ticket>,
        report_within: Duration,
        now: BootTime,
    ) -> Option<Draw> {
        let needed = units.saturating_mul(uses);
        let block = self.block_for(needed, ticket)?;
        let over = block.over();
        let draw = block.draw(units, uses);
        let (terms, over) = (block.terms, block.over() - over);
        self.counted.granted += needed;
        self.counted.over += over;
        if terms.span.is_held() {
            let until = now.after(terms.hold(report_within));
            self.holds.begin(draw, uses, until);
        }
        Some(draw)
    }

    /// The same of a shadow, which has not been asked: what it has no block for yet is counted all the same, though what is held only
    /// once there is one.
    pub fn take_unasked(
        &mut self,
        units: u64,
        uses: u64,
        report_within: Duration,
        now: BootTime,
    ) -> Option<Draw> {
        self.close_over(now);
        if let Some(draw) = self.take(units, uses, None, report_within, now) {
            return Some(draw);
        }
        self.missed.due.add(units, uses);
        let all = units.saturating_mul(uses);
        self.counted.granted = self.counted.granted.saturating_add(all);
        (!self.limit.span.is_held()).then(|| {
            self.overuse.add_unasked(all);
            Draw::of_no_block(units)
        })
    }

    /// Settles something of one of its blocks, if it is still known.
    pub fn settle(&mut self, block: u64, settle: impl FnOnce(&mut Use)) {
        if let Some(open) = self.open.iter_mut().find(|b| b.number == block) {
            settle(&mut open.use_of);
        } else if let Some(closed) = self.closed.get_mut(&block) {
            let known = |use_of: &Use| (use_of.units, use_of.over_since(), use_of.is_ended());
            let before = known(&closed.use_of);
            settle(&mut closed.use_of);
            self.counted.returned += before.0.saturating_sub(closed.use_of.units);
            if before != known(&closed.use_of) {
                self.unsaid.push(block);
            }
        }
    }

    /// What this replica gave back is free in the database now: asking makes sense again, whenever the next charge ends.
    pub fn returned(&mut self) {
        self.refusals.returned();
        self.ahead_at = BootTime::default();
    }

    /// More was used than estimated: charged anew, whether the block is there or not.
    pub const fn charge_more(&mut self, units: u64) {
        self.overuse.add(units);
    }

    /// Closes every block, for a clean end: nothing more is wanted, or the last word to the database would ask for one more block.
    pub fn close_all(&mut self) {
        self.demand = Demand::default();
        self.missed = Missed::default();
        self.is_ample = false;
        self.close_open();
    }

    fn close_open(&mut self) {
        while let Some(block) = self.open.pop_front() {
            self.close(block);
        }
    }

    /// Units that could still be handed out.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.open.iter().map(Block::left).sum()
    }

    /// Units handed out and given back since this was last asked.
    pub fn count(&mut self) -> Units {
        let offline = self.offline.count();
        self.counted.granted += offline;
        Units {
            offline,
            ..std::mem::take(&mut self.counted)
        }
    }

    /// Whether there is anything to tell or ask the database.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.open.is_empty()
            || !self.unsaid.is_empty()
            || !self.overuse.is_empty()
            || !self.holds.is_empty()
            || !self.missed.is_empty()
            || self.is_raised
    }

    /// Any of them: a later block may have the shorter validity.
    fn close_over(&mut self, now: BootTime) {
        self.take_back(now);
        let mut index = 0;
        while let Some(block) = self.open.get(index) {
            if !block.is_over(now) {
                index += 1;
            } else if let Some(block) = self.open.remove(index) {
                self.close(block);
            }
        }
    }

    fn close(&mut self, block: Block) {
        self.counted.returned += block.left();
        if block.left() > 0 {
            // What was refused beside it may be had with what comes back of it, in the transaction that says so.
            self.returned();
        }
        self.keep(block.number, block.close());
    }

    fn keep(&mut self, number: u64, closed: Closed) {
        self.unsaid.push(number);
        self.closed.insert(number, closed);
        while self.closed.len() > CLOSED_MAX && !self.limit.span.is_held() {
            self.closed.pop_first();
        }
    }
}
