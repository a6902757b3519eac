//! An account, calls that wait for it and are tried whenever they are woken, and a supply of permits in place of the database.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::sync::Notify;

use super::*;
use crate::domain::ledger::budget::{Need, Take};
use crate::domain::ledger::example::{granted, limit};
use crate::domain::ledger::work::{Answer, Wait, Work};
use crate::domain::limit::Dimension;
use crate::domain::models::Pattern;
use crate::domain::pool::Estimate;
use crate::domain::time::BootTime;

/// How often what happens is looked at.
const TICK: Duration = Duration::from_millis(25);

/// A limit of some models, of which one permit becomes free every so often.
pub(super) struct Supply {
    limit: Limit,
    every: Duration,
    next: BootTime,
    pub(super) free: u64,
    granted: HashMap<u64, u64>,
}

/// A call that waits.
struct Call {
    model: &'static str,
    wake: Arc<Notify>,
    tries_at: BootTime,
}

/// All of it.
pub(super) struct World {
    pub(super) live: AccountLive,
    pub(super) now: BootTime,
    pub(super) supplies: Vec<Supply>,
    calls: BTreeMap<Ticket, Call>,
    tickets: Ticket,
    blocks: u64,
    /// Who was served, and when, in seconds.
    pub(super) served: Vec<(Ticket, f64)>,
}

impl Supply {
    /// The first comes at `first`.
    pub(super) fn new(number: u128, models: &[&str], first: Duration, every: Duration) -> Self {
        let pattern = |text: &&str| Pattern::parse("models", text).unwrap();
        let limit = limit(number, Dimension::Requests, 100, Duration::from_mins(1));
        Self {
            limit: Limit {
                models: models.iter().map(pattern).collect(),
                ..limit
            },
            every,
            next: BootTime::default().after(first),
            free: 0,
            granted: HashMap::new(),
        }
    }

    pub(super) fn limit(&self) -> &Limit {
        &self.limit
    }

    fn flow(&mut self, now: BootTime) {
        if self.next <= now {
            self.free += 1;
            self.next = self.next.after(self.every);
        }
    }

    fn answer(&mut self, work: &Work, now: BootTime) -> Option<Answer> {
        for returned in &work.returns {
            let granted = self.granted.remove(&returned.block).unwrap_or(0);
            self.free += granted.saturating_sub(returned.used);
        }
        let asked = work.ask?;
        let need = asked.ask.need;
        if self.free >= need {
            self.free -= need;
            self.granted.insert(asked.block, need);
            return Some(granted(&self.limit, asked.block, need, now));
        }
        let often = self.limit.terms().validity * 3 / 4;
        let wait = Wait {
            ask_at: now.after(often.min(self.next.since(now))),
            clears_at: self.next,
            ..Wait::default()
        };
        let none = granted(&self.limit, asked.block, 0, now);
        Some(Answer { wait, ..none })
    }
}

impl World {
    /// Nobody waits.
    pub(super) fn new(supplies: Vec<Supply>) -> Self {
        let live = AccountLive::new(Uuid::nil());
        let limits: Vec<_> = supplies.iter().map(|s| Arc::new(s.limit.clone())).collect();
        live.reconfigure(&limits);
        Self {
            live,
            now: BootTime::default(),
            supplies,
            calls: BTreeMap::new(),
            tickets: 0,
            blocks: 0,
            served: Vec::new(),
        }
    }

    /// A call comes that waits for long. The answer is its place in line.
    pub(super) fn call(&mut self, model: &'static str) -> Ticket {
        let (ticket, wake) = (self.tickets, Arc::<Notify>::default());
        self.tickets += 1;
        self.live.join(ticket, Arc::clone(&wake), true);
        let call = Call {
            model,
            wake,
            tries_at: self.now,
        };
        self.calls.insert(ticket, call);
        ticket
    }

    /// A call tries no more, though it waits on.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.calls.remove(&ticket);
    }

    /// Whether a call that does not wait is served.
    pub(super) fn serves(&self, model: &'static str) -> bool {
        let need = self.need(model, None);
        matches!(self.take(need, self.now), Take::Taken(_))
    }

    /// Takes by what its limits say alone: nobody has said what is left.
    pub(super) fn take(&self, need: Need<'_>, now: BootTime) -> Take {
        self.live.take(need, Asking::NOBODY, now, |_| {}).unwrap()
    }

    /// What a call needs: one request.
    pub(super) fn need(&self, model: &'static str, ticket: Option<Ticket>) -> Need<'static> {
        Need {
            model: Some(model),
            uses: 1,
            estimate: Estimate {
                input_tokens: 0,
                output_tokens: 0,
                cost_micros: None,
            },
            is_new: false,
            ticket,
            is_patient: true,
            until: self.now.after(Duration::from_mins(5)),
            lease_duration: Duration::from_mins(10),
            slot: None,
        }
    }

    /// Goes on for so long.
    pub(super) fn run(&mut self, time: Duration) {
        let until = self.now.after(time);
        while self.now < until {
            self.now = self.now.after(TICK);
            self.supplies.iter_mut().for_each(|s| s.flow(self.now));
            self.try_woken();
            self.ask();
            self.try_woken();
        }
    }

    /// Who is served of those who wait.
    pub(super) fn is_served(&self, ticket: Ticket) -> bool {
        self.served.iter().any(|(served, _)| *served == ticket)
    }

    pub(super) fn is_woken(&self, ticket: Ticket) -> bool {
        let notified = self.calls[&ticket].wake.notified();
        std::pin::pin!(notified).as_mut().enable()
    }

    fn ask(&mut self) {
        let (now, blocks) = (self.now, &mut self.blocks);
        let works = self.live.look(|budget| {
            budget.work(false, now, || {
                *blocks += 1;
                *blocks
            })
        });
        for work in &works {
            let supply = self.supplies.iter_mut();
            let supply = supply.filter(|s| s.limit.uid == work.limit).last();
            let answer = supply.and_then(|s| s.answer(work, now));
            self.live.with_budget_quietly(|budget| {
                budget.said(work);
                answer
                    .iter()
                    .for_each(|a| budget.answered(work.limit, a, now));
            });
        }
        if !works.is_empty() {
            self.live.wake();
        }
    }

    fn try_woken(&mut self) {
        let is_due = |world: &Self, ticket: Ticket| {
            world.is_woken(ticket) || world.calls[&ticket].tries_at <= world.now
        };
        while let Some(ticket) = self.calls.keys().copied().find(|t| is_due(self, *t)) {
            self.try_one(ticket);
        }
    }

    fn try_one(&mut self, ticket: Ticket) {
        let never = BootTime::from_nanos(u64::MAX);
        let need = self.need(self.calls[&ticket].model, Some(ticket));
        match self.take(need, self.now) {
            Take::Taken(_) => {
                self.calls.remove(&ticket);
                self.live.leave(ticket);
                let at = self.now.since(BootTime::default()).as_secs_f64();
                self.served.push((ticket, at));
            }
            Take::Short(wait) => {
                let is_pending = wait.ask_at <= self.now;
                let again = if is_pending { never } else { wait.ask_at };
                self.calls.get_mut(&ticket).unwrap().tries_at = again;
            }
            Take::TooLarge(..) | Take::ModelRequired | Take::CostRequired => {
                panic!("one request can be too much for no limit")
            }
        }
    }
}
