//! One limit as one replica holds it: the open blocks it may hand out from, and the closed ones whose use can still be settled.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::grant::Ask;
use super::work::{Answer, Charge, Return};
use crate::domain::limit::Limit;
use crate::domain::time::BootTime;

/// Closed blocks that can still be settled, per limit. Older ones keep their full charge, which is what silence costs anyway.
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
    unsettled: Vec<u64>,
    charges: u64,
    demand: Demand,
    first_need: Option<u64>,
    waiting: u64,
    line: BTreeSet<Ticket>,
    reserving: bool,
    not_before: BootTime,
    /// The need that is asked for, and the one that `not_before` was said to: less may be free for a smaller one.
    asked_need: u64,
    refused_need: u64,
}

/// Units that may be handed out until `valid_until`.
#[derive(Debug)]
struct Block {
    number: u64,
    units: u64,
    used: u64,
    sent: BootTime,
    valid_until: BootTime,
    start_within: Duration,
    charged_until: BootTime,
}

/// What was used of a block that is handed out from no more.
#[derive(Debug)]
struct Closed {
    used: u64,
    charged_until: BootTime,
}

/// Units taken from one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The block's number at its issuer.
    pub block: u64,
    /// Units per use.
    pub units: u64,
}

/// What one limit says to a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// So many uses, each of the units asked for, from this block, startable this long after asking.
    Uses(u64, Duration),
    /// None now; ask the database, and not before this time.
    None(BootTime),
}

impl Held {
    /// Nothing held yet.
    #[must_use]
    pub fn new(limit: Arc<Limit>) -> Self {
        Self {
            limit,
            open: VecDeque::new(),
            closed: BTreeMap::new(),
            unsettled: Vec::new(),
            charges: 0,
            demand: Demand::default(),
            first_need: None,
            waiting: 0,
            line: BTreeSet::new(),
            reserving: false,
            not_before: BootTime::default(),
            asked_need: 0,
            refused_need: 0,
        }
    }

    /// The limit as configured.
    #[must_use]
    pub const fn limit(&self) -> &Arc<Limit> {
        &self.limit
    }

    /// The limit was changed. Blocks that are out keep their own terms; a raise may be asked for at once.
    pub fn reconfigure(&mut self, limit: Arc<Limit>) {
        if limit.rev != self.limit.rev {
            self.not_before = BootTime::default();
        }
        self.limit = limit;
    }

    /// What could be taken now for uses of `units` each, at most `uses`, by a call with this place in line (`None`: it has just
    /// arrived). Nothing while somebody waits for this limit who came earlier.
    pub fn offer(&mut self, units: u64, uses: u64, ticket: Option<Ticket>, now: BootTime) -> Offer {
        self.close_ended(now);
        let first = self.line.first();
        if first.is_some_and(|first| ticket.is_none_or(|mine| *first < mine)) {
            return Offer::None(self.not_before);
        }
        let fit = self.open.iter().map(|b| b.uses(units)).max().unwrap_or(0);
        let start_within = self.open.iter().map(|b| b.start_within).min();
        match start_within {
            Some(start_within) if fit > 0 => Offer::Uses(fit.min(uses), start_within),
            _ => Offer::None(self.worth_asking(units)),
        }
    }

    /// Demand of so many units was seen: what is asked for is sized by it.
    pub fn demand(&mut self, units: u64, now: BootTime) {
        self.demand.add(units, now, self.limit.terms().validity);
    }

    /// Takes `uses` of `units` each, as offered just before.
    pub fn take(&mut self, units: u64, uses: u64) -> Option<Draw> {
        let block = self.open.iter_mut().find(|b| b.uses(units) >= uses)?;
        block.used += units * uses;
        Some(Draw {
            block: block.number,
            units,
        })
    }

    /// A need that could not be met, remembered until the next answer. The first one's unit is what must be granted at least. With a
    /// ticket it stands in line from now on.
    pub fn miss(&mut self, units: u64, uses: u64, ticket: Option<Ticket>) {
        self.line.extend(ticket);
        self.first_need.get_or_insert(units);
        self.waiting = self.waiting.saturating_add(units.saturating_mul(uses));
    }

    /// Gives units of a draw back: never used, or less used than estimated.
    pub fn give_back(&mut self, block: u64, units: u64) {
        if units == 0 {
            return;
        }
        if let Some(open) = self.open.iter_mut().find(|b| b.number == block) {
            open.used = open.used.saturating_sub(units);
        } else if let Some(closed) = self.closed.get_mut(&block) {
            closed.used = closed.used.saturating_sub(units);
            self.unsettled.push(block);
        }
    }

    /// What this replica gave back is free in the database now: asking makes sense again, whenever the next charge ends.
    pub const fn returned(&mut self) {
        self.not_before = BootTime::from_nanos(0);
    }

    /// More was used than estimated: charged anew, whether the block is there or not.
    pub const fn charge_more(&mut self, units: u64) {
        self.charges = self.charges.saturating_add(units);
    }

    /// A call waits no more.
    pub fn leave(&mut self, ticket: Ticket) {
        self.line.remove(&ticket);
    }

    /// Who came first.
    #[must_use]
    pub fn first_in_line(&self) -> Option<Ticket> {
        self.line.first().copied()
    }

    /// Whether the database should be asked now.
    pub fn ask(&mut self, now: BootTime) -> Option<Ask> {
        self.close_ended(now);
        let amount = self.limit.amount;
        let need = self.first_need.unwrap_or(1).clamp(1, amount);
        if self.reserving || now < self.worth_asking(need) {
            return None;
        }
        let per_validity = self.demand.per_validity(now, self.limit.terms().validity);
        let refill = self.waiting == 0 && per_validity > 1 && self.runs_out(per_validity, now);
        if self.waiting == 0 && !refill {
            return None;
        }
        self.asked_need = need;
        Some(Ask {
            need,
            want: per_validity
                .saturating_add(self.waiting)
                .clamp(need, amount.max(need)),
        })
    }

    /// The ask is on its way.
    pub const fn asked(&mut self) {
        self.reserving = true;
    }

    /// The answer came. A block that came too late is returned whole; it stays charged until that is committed.
    pub fn answered(&mut self, answer: &Answer, now: BootTime) {
        self.reserving = false;
        self.waiting = 0;
        self.first_need = None;
        self.not_before = answer.not_before;
        self.refused_need = self.asked_need;
        let terms = answer.terms;
        if answer.units == 0 {
            return;
        }
        let block = Block {
            number: answer.block,
            units: answer.units,
            used: 0,
            sent: answer.sent,
            valid_until: answer.sent.after(terms.validity),
            start_within: terms.start_within,
            charged_until: now.after(terms.charge_time()),
        };
        if now < block.valid_until {
            self.open.push_back(block);
        } else {
            self.close(&block);
        }
    }

    /// What the database must be told: units used of blocks that were closed or settled since.
    pub fn returns(&mut self, now: BootTime) -> Vec<Return> {
        self.close_ended(now);
        while self
            .closed
            .first_key_value()
            .is_some_and(|(_, c)| now >= c.charged_until)
        {
            self.closed.pop_first();
        }
        let mut numbers = std::mem::take(&mut self.unsettled);
        numbers.sort_unstable();
        numbers.dedup();
        let used = |number: u64| {
            self.closed.get(&number).map(|c| Return {
                block: number,
                used: c.used,
            })
        };
        numbers.into_iter().filter_map(used).collect()
    }

    /// What the database must be told: units used beyond what was estimated.
    pub fn charge(&mut self, number: impl FnOnce() -> u64) -> Option<Charge> {
        let units = std::mem::take(&mut self.charges);
        (units > 0).then(|| Charge {
            block: number(),
            units,
        })
    }

    /// The write did not happen: say it again.
    pub fn say_again(&mut self, returns: &[Return], charge: Option<Charge>) {
        self.unsettled.extend(returns.iter().map(|r| r.block));
        self.charges = self.charges.saturating_add(charge.map_or(0, |c| c.units));
    }

    /// No answer came, so nobody knows whether the block exists: it is returned whole, and stays charged until that is committed.
    pub fn unanswered(&mut self, block: u64, not_before: BootTime, now: BootTime) {
        self.reserving = false;
        self.not_before = not_before;
        self.refused_need = 0;
        let charged_until = now.after(self.limit.terms().charge_time());
        self.closed.insert(
            block,
            Closed {
                used: 0,
                charged_until,
            },
        );
        self.unsettled.push(block);
    }

    /// Closes every block, for a clean end: nothing more is wanted, or the last word to the database would ask for one more block.
    pub fn close_all(&mut self) {
        self.demand = Demand::default();
        self.waiting = 0;
        while let Some(block) = self.open.pop_front() {
            self.close(&block);
        }
    }

    /// Units that could still be handed out, and are.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.open.iter().map(|b| b.units - b.used).sum()
    }

    /// Whether there is anything to tell or ask the database.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.open.is_empty() || !self.unsettled.is_empty() || self.charges > 0 || self.waiting > 0
    }

    /// From when on the database may have so many units.
    const fn worth_asking(&self, units: u64) -> BootTime {
        if units < self.refused_need {
            return BootTime::from_nanos(0);
        }
        self.not_before
    }

    /// Whether what is left ends, in units or in time, before the next answer can be here.
    fn runs_out(&self, per_validity: u64, now: BootTime) -> bool {
        let fresh = |b: &&Block| {
            now.since(b.sent) < b.valid_until.since(b.sent) * REFILL_AFTER_QUARTERS / 4
        };
        let left: u64 = self
            .open
            .iter()
            .filter(fresh)
            .map(|b| b.units - b.used)
            .sum();
        left.saturating_mul(4) < per_validity
    }

    fn close_ended(&mut self, now: BootTime) {
        while self
            .open
            .front()
            .is_some_and(|b| now >= b.valid_until || b.used == b.units)
        {
            if let Some(block) = self.open.pop_front() {
                self.close(&block);
            }
        }
    }

    fn close(&mut self, block: &Block) {
        if block.used < block.units {
            self.unsettled.push(block.number);
        }
        let closed = Closed {
            used: block.used,
            charged_until: block.charged_until,
        };
        self.closed.insert(block.number, closed);
        while self.closed.len() > CLOSED_MAX {
            self.closed.pop_first();
        }
    }
}

impl Block {
    /// How many uses of `units` each are left.
    const fn uses(&self, units: u64) -> u64 {
        match (self.units - self.used).checked_div(units) {
            Some(uses) => uses,
            None => u64::MAX,
        }
    }
}

/// Units asked for, per stretch of D: the one that runs and the one before.
#[derive(Debug, Default)]
struct Demand {
    since: BootTime,
    running: u64,
    before: u64,
}

impl Demand {
    fn add(&mut self, units: u64, now: BootTime, validity: Duration) {
        self.roll(now, validity);
        self.running = self.running.saturating_add(units);
    }

    fn per_validity(&mut self, now: BootTime, validity: Duration) -> u64 {
        self.roll(now, validity);
        self.running.max(self.before)
    }

    fn roll(&mut self, now: BootTime, validity: Duration) {
        let age = now.since(self.since);
        if age >= validity * 2 {
            self.before = 0;
        } else if age >= validity {
            self.before = self.running;
        } else {
            return;
        }
        self.running = 0;
        self.since = now;
    }
}
