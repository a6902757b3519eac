//! All limits of one account as one replica holds them: a lease takes from every limit that applies, or from none.

pub mod lack;
pub mod look;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::block::Draw;
use super::held::{Held, Ticket, Units, Within};
use super::offline::slots::Slot;
use super::settle::units_of;
use super::work::{Answer, NumberedAsk, PAUSE, Wait, Work};
use crate::domain::limit::{Limit, Mode};
use crate::domain::pool::Estimate;
use crate::domain::time::BootTime;

#[cfg(test)]
mod laws;
mod offering;
mod offline;
mod settling;
mod telling;
mod waiting;

/// How long a caller may wait before it starts, where no limit says: so that a revoked key is soon out of use.
pub const START_WITHIN_UNLIMITED: Duration = Duration::from_secs(3);

/// All limits of one account as one replica holds them.
#[derive(Debug, Default)]
pub struct Budget {
    held: Vec<Held>,
    /// When calls that wait could have been served, had all been kept for them that they need.
    owed: BTreeMap<Ticket, BootTime>,
}

/// What a lease needs.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// The model, if named.
    pub model: Option<&'a str>,
    /// Uses asked for: at least 1.
    pub uses: u64,
    /// What one use is expected to consume.
    pub estimate: Estimate,
    /// The first try of a call: counted as demand. Later tries of a call that waits are not.
    pub is_new: bool,
    /// The place in line of a call that waits.
    pub ticket: Option<Ticket>,
    /// The call waits for permits to come, not just for the answer that is on its way.
    pub is_patient: bool,
    /// For how long it waits at most.
    pub until: BootTime,
    /// How long the lease is to be held at most.
    pub lease_duration: Duration,
    /// What this replica serves from while the database cannot be reached.
    pub slot: Option<Slot>,
}

/// What became of a need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// Taken from every limit that applies.
    Taken(Taken),
    /// Not now: some limit has too little at hand.
    Short(Wait),
    /// Never: one use is larger than the limit of this uid, which allows so much.
    TooLarge(Uuid, u64),
    /// The account has limits per model and the need names none.
    ModelRequired,
    /// The account has limits on cost and nobody has said what a use costs.
    CostRequired,
}

/// Units taken for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Uses granted.
    pub uses: u64,
    /// From each limit that applies.
    pub draws: Vec<(Uuid, Draw)>,
    /// The shortest L of the blocks, and how long the lease may be held, counted from asking.
    pub within: Within,
}

impl Budget {
    /// The limits are now these; what is held of those that stay is kept. False if they are the same as before.
    pub fn reconfigure(&mut self, limits: &[Arc<Limit>]) -> bool {
        let revs = |budget: &Self| -> Vec<_> {
            let limits = budget.held.iter().map(Held::limit);
            limits.map(|limit| (limit.uid, limit.rev)).collect()
        };
        let before = revs(self);
        self.held
            .retain(|h| limits.iter().any(|l| l.uid == h.limit().uid));
        for limit in limits {
            match self.held.iter_mut().find(|h| h.limit().uid == limit.uid) {
                Some(held) => held.reconfigure(Arc::clone(limit)),
                None => self.held.push(Held::new(Arc::clone(limit))),
            }
        }
        before != revs(self)
    }

    /// Takes from every limit that applies, or from none.
    pub fn take(&mut self, need: Need<'_>, now: BootTime) -> Take {
        let asked = |held: &mut Held, units: u64| {
            if need.is_new {
                held.demand(units.saturating_mul(need.uses), now);
            }
        };
        let offered = self.offer(need, now, asked);
        let lacking = offered.as_ref().map_or(&[][..], |o| &o.lacking[..]);
        if lacking.is_empty() {
            // It is served, or never will be.
            need.ticket.iter().for_each(|ticket| self.leave(*ticket));
        } else {
            self.wait(need, lacking, now);
        }
        match offered.and_then(|offered| offered.whole(now)) {
            Ok((uses, within)) => Take::Taken(self.draw(need, uses, within, now)),
            Err(refused) => refused,
        }
    }

    /// Why no waiting would help.
    #[must_use]
    pub fn never(&self, need: Need<'_>) -> Option<Take> {
        let limits = self.held.iter().map(Held::limit);
        let limits = limits.filter(|l| l.mode == Mode::Enforce);
        if need.model.is_none() && limits.clone().any(|l| !l.models.is_empty()) {
            return Some(Take::ModelRequired);
        }
        let applying = || limits.clone().filter(|l| l.applies_to(need.model));
        if applying().any(|l| units_of(l.dimension, need.estimate).is_none()) {
            return Some(Take::CostRequired);
        }
        let smaller = applying().find(|l| units(l, need) > l.ledger_amount());
        smaller.map(|limit| Take::TooLarge(limit.uid, limit.ledger_amount()))
    }

    fn draw(&mut self, need: Need<'_>, uses: u64, within: Within, now: BootTime) -> Taken {
        let mut draws = Vec::with_capacity(self.held.len());
        for held in self.held.iter_mut().filter(|h| counts(h.limit(), need)) {
            let units = units(held.limit(), need);
            let draw = match held.limit().mode {
                Mode::Enforce => {
                    let held_draw = held.take(units, uses, need.ticket, within.report, now);
                    held_draw.or_else(|| held.take_offline(units, uses, need.slot, now))
                }
                Mode::Shadow => held.take_unasked(units, uses, within.report, now),
            };
            if let Some(draw) = draw {
                draws.push((held.limit().uid, draw));
            }
        }
        Taken {
            uses,
            draws,
            within,
        }
    }

    /// What has to be said to the database now. `number` makes block numbers.
    pub fn work(
        &mut self,
        is_paced: bool,
        now: BootTime,
        mut number: impl FnMut() -> u64,
    ) -> Vec<Work> {
        let mut works = Vec::new();
        for held in &mut self.held {
            let mut returns = match held.must_return(now) {
                true => held.returns(now),
                false => Vec::new(),
            };
            if held.limit().span.is_held() && !returns.is_empty() {
                // A permit that comes back can be asked for in the transaction that says so.
                held.returned();
            }
            let ask = held.ask(is_paced, now).map(|ask| NumberedAsk {
                block: number(),
                ask,
            });
            let charge = held.charge(&mut number);
            if ask.is_some() || charge.is_some() {
                returns.extend(held.returns(now));
            }
            let sees_raise = held.take_raised();
            if ask.is_none() && returns.is_empty() && charge.is_none() && !sees_raise {
                continue;
            }
            if ask.is_some() {
                held.asked(now);
            }
            works.push(Work {
                limit: held.limit().uid,
                ask,
                returns,
                charge,
                seen: held.seen(),
                most: held.most(now),
            });
        }
        works
    }

    /// The database answered an ask.
    pub fn answered(&mut self, limit: Uuid, answer: &Answer, now: BootTime) {
        self.held
            .iter_mut()
            .for_each(Held::keep_no_more_until_answer);
        if let Some(held) = self.find(limit) {
            held.answered(answer, now);
        }
    }

    /// What was to be said is committed. An answer in the same transaction knew of the returns; without one, they are news.
    pub fn said(&mut self, work: &Work) {
        let Some(held) = self.find(work.limit) else {
            return;
        };
        let spent = work.returns.iter().filter(|returned| returned.used == 0);
        held.forget(spent.map(|returned| returned.block));
        if work.ask.is_none() && !work.returns.is_empty() {
            held.returned();
        }
    }

    /// The transaction failed, or the limit was skipped by a database that is there: what was to be said is said again.
    pub fn unsaid(&mut self, work: &Work, is_there: bool, now: BootTime) {
        let Some(held) = self.find(work.limit) else {
            return;
        };
        held.say_again(&work.returns, work.charge);
        held.say_raised_again(work);
        if let Some(ask) = work.ask {
            held.unanswered(ask.block, is_there, now.after(PAUSE), now);
        }
    }

    /// An ask is not answered yet, and should be.
    pub fn late(&mut self, limit: Uuid) {
        if let Some(held) = self.find(limit) {
            held.late();
        }
    }

    /// Closes every block, for a clean end.
    pub fn close_all(&mut self) {
        self.held.iter_mut().for_each(Held::close_all);
    }

    /// Whether there is, or will be, something to say to the database.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.held.iter().any(Held::is_busy)
    }

    /// Units of a limit that this replica could hand out now.
    #[must_use]
    pub fn available(&self, limit: Uuid) -> u64 {
        let held = self.held.iter().find(|h| h.limit().uid == limit);
        held.map_or(0, Held::available)
    }

    /// Units of each limit that were handed out and given back since this was last asked.
    pub fn count(&mut self) -> Vec<(Arc<Limit>, Units)> {
        let held = self.held.iter_mut();
        held.map(|h| (Arc::clone(h.limit()), h.count())).collect()
    }

    fn find(&mut self, limit: Uuid) -> Option<&mut Held> {
        self.held.iter_mut().find(|h| h.limit().uid == limit)
    }
}

/// Whether a need draws from a limit: it applies to the model, and the need is of its dimension at all.
fn counts(limit: &Limit, need: Need<'_>) -> bool {
    limit.applies_to(need.model) && units(limit, need) > 0
}

/// What one use counts for; a shadow does not ask what nobody has said.
fn units(limit: &Limit, need: Need<'_>) -> u64 {
    units_of(limit.dimension, need.estimate).unwrap_or(0)
}
