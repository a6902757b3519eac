//! A replica: the production budget, clock samples and reports, and what stands around them in the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keylease::domain::ledger::block::{Draw, Ending};
use keylease::domain::ledger::budget::{Budget, Need, Take};
use keylease::domain::ledger::clock::ClockSamples;
use keylease::domain::ledger::held::Ticket;
use keylease::domain::ledger::settle::{Lease, Part};
use keylease::domain::ledger::standing::Memory;
use keylease::domain::ledger::work::{Return, Work};
use keylease::domain::limit::Limit;
use keylease::domain::time::BootTime;
use keylease::live::reports::{Claimed, Entry, Reports};
use uuid::Uuid;

use crate::bugs::Bug;
use crate::caller::{Call, Given, Report};
use crate::database::Client;
use crate::time::{BootClock, SECOND, Time};

mod offline;
mod planting;
mod renewing;

pub(crate) use offline::Beat;

/// A replica.
pub(crate) struct Replica {
    pub(crate) clock: BootClock,
    pub(crate) boot_id: Uuid,
    pub(crate) is_alive: bool,
    pub(crate) paused_until: Time,
    pub(crate) live: u64,
    pub(crate) memory: Memory,
    pub(crate) budget: Budget,
    pub(crate) waiting: BTreeMap<Ticket, Waiting>,
    /// When the waiting are next woken, if they are.
    pub(crate) wakes_at: Option<Time>,
    pub(crate) is_paced: bool,
    pub(crate) lease_duration: Duration,
    /// Until when it cannot reach the database.
    pub(crate) cut_off_until: Time,
    slots: offline::Slots,
    limits: Vec<Limit>,
    samples: ClockSamples,
    reports: Reports,
    blocks: u64,
    serials: u64,
    tickets: Ticket,
    /// For the bug that ends open blocks: what it has seen of each.
    seen: BTreeMap<(Uuid, u64), (u64, u64, BootTime)>,
    early: Vec<(Uuid, Return)>,
    bug: Option<Bug>,
}

/// A call that waits.
pub(crate) struct Waiting {
    pub(crate) call: Call,
    pub(crate) received: BootTime,
}

/// What became of a call.
pub(crate) enum Outcome {
    Given(Given),
    /// It waits, and is worth another try at this time.
    Waits(BootTime),
    Refused,
}

impl Replica {
    pub(crate) fn new(clock: BootClock, boot_id: Uuid, limits: &[Limit], bug: Option<Bug>) -> Self {
        let mut replica = Self {
            clock,
            boot_id,
            is_alive: true,
            paused_until: 0,
            live: 1,
            memory: Memory::default(),
            budget: Budget::default(),
            waiting: BTreeMap::new(),
            wakes_at: None,
            is_paced: true,
            lease_duration: Duration::ZERO,
            cut_off_until: 0,
            slots: offline::Slots::default(),
            limits: limits.to_vec(),
            samples: ClockSamples::default(),
            reports: Reports::default(),
            blocks: 0,
            serials: 0,
            tickets: 0,
            seen: BTreeMap::new(),
            early: Vec::new(),
            bug,
        };
        replica.reconfigure(limits);
        replica
    }

    /// The limits are now these.
    pub(crate) fn reconfigure(&mut self, limits: &[Limit]) {
        self.limits = limits.to_vec();
        let limits: Vec<_> = limits.iter().cloned().map(Arc::new).collect();
        self.budget.reconfigure(&limits);
    }

    /// As the database sees it.
    pub(crate) fn client(&mut self, sent: BootTime, time: Time) -> Client<'_> {
        Client {
            boot_id: self.boot_id,
            live: self.live,
            memory: self.memory,
            samples: &mut self.samples,
            sent,
            now: self.clock.at(time),
        }
    }

    fn now(&self, time: Time) -> BootTime {
        let late = match self.bug {
            Some(Bug::PermitAfterExpiry) => time.saturating_sub(3 * SECOND),
            _ => time,
        };
        self.clock.at(late)
    }

    /// What there is to say to the database.
    pub(crate) fn work(&mut self, time: Time) -> Vec<Work> {
        let now = self.now(time);
        let blocks = &mut self.blocks;
        let mut works = self.budget.work(self.is_paced, now, || {
            *blocks += 1;
            *blocks
        });
        for (limit, early) in self.early.drain(..) {
            works.push(Work {
                limit,
                ask: None,
                returns: vec![early],
                charge: None,
                seen: 0,
            });
        }
        works
    }

    /// Whether now is when the waiting are to be woken. A wake that was put off comes too late.
    pub(crate) fn is_woken(&mut self, time: Time) -> bool {
        self.wakes_at.take_if(|at| *at <= time).is_some()
    }

    /// A call arrives: it is given a lease, waits, or is refused.
    pub(crate) fn call(&mut self, call: Call, time: Time) -> Outcome {
        let received = self.clock.at(time);
        self.attempt(call, received, None, time)
    }

    /// Those who wait try again, in the order of their arrival, until one has to wait on.
    pub(crate) fn retry(&mut self, time: Time) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while let Some((ticket, waiting)) = self.waiting.pop_first() {
            let outcome = self.attempt(waiting.call, waiting.received, Some(ticket), time);
            let waits = matches!(outcome, Outcome::Waits(_));
            outcomes.push(outcome);
            if waits {
                break;
            }
        }
        outcomes
    }

    fn attempt(
        &mut self,
        call: Call,
        received: BootTime,
        ticket: Option<Ticket>,
        time: Time,
    ) -> Outcome {
        let now = self.now(time);
        let need = Need {
            model: None,
            uses: call.uses,
            estimate: call.estimate,
            is_new: ticket.is_none(),
            ticket,
            is_patient: !call.max_wait.is_zero(),
            until: received.after(call.max_wait),
            lease_duration: self.lease_duration,
            slot: self.slots.own(),
        };
        let wait = match self.budget.take(need, now) {
            Take::Taken(taken) => {
                ticket.iter().for_each(|t| self.budget.leave(*t));
                return Outcome::Given(self.give(call, &taken, received, time));
            }
            Take::Short(wait) => wait,
            Take::TooLarge(..) | Take::ModelRequired | Take::CostRequired => {
                return Outcome::Refused;
            }
        };
        let boot = self.clock.at(time);
        let mut until = need.until;
        if wait.ask_at <= boot {
            until = until.max(received.after(std::time::Duration::from_secs(1)));
        }
        if until <= boot {
            ticket.iter().for_each(|t| self.budget.leave(*t));
            return Outcome::Refused;
        }
        let is_first = ticket.is_none();
        let ticket = ticket.unwrap_or(self.tickets);
        self.tickets = self.tickets.max(ticket + 1);
        let waiting = Waiting {
            call: call.clone(),
            received,
        };
        self.waiting.insert(ticket, waiting);
        if is_first {
            // As in production: once in line, it tries again, since what it waits for may have come meanwhile.
            let waiting = self.waiting.remove(&ticket).map(|waiting| waiting.call);
            return self.attempt(waiting.unwrap_or(call), received, Some(ticket), time);
        }
        // While an answer is on its way, that wakes.
        let is_pending = wait.ask_at <= boot;
        Outcome::Waits(if is_pending {
            until
        } else {
            until.min(wait.ask_at)
        })
    }

    fn give(
        &mut self,
        call: Call,
        taken: &keylease::domain::ledger::budget::Taken,
        received: BootTime,
        time: Time,
    ) -> Given {
        let serial = self.serials;
        self.serials += 1;
        for (limit, draw) in &taken.draws {
            self.seen.entry((*limit, draw.block)).or_default().0 += 1;
        }
        let waited = self.clock.at(time).since(received);
        let given = Given {
            issuer: self.boot_id,
            serial,
            granted: taken.uses,
            draws: taken.draws.clone(),
            received,
            start_within: taken.within.start + waited,
            report_within: taken.within.report + waited,
            call,
        };
        if self.bug == Some(Bug::EndSilent) {
            let now = self.clock.at(time);
            self.settle(&given.draws, &[], Some(sure(now)));
        }
        given
    }

    /// A report arrives.
    pub(crate) fn report(&mut self, report: &Report, time: Time) {
        let now = self.clock.at(time);
        let mut ending = report.ending(now);
        match self.bug {
            Some(Bug::EndUnanswered) => ending.is_sure = true,
            Some(Bug::StartAtCall) => ending.started_by = report.given.received,
            _ => {}
        }
        let claimed = Claimed {
            serial: report.given.serial,
            sequence: report.sequence,
            uses: u32::try_from(report.part.uses).unwrap(),
            granted: u32::try_from(report.given.granted).unwrap(),
            is_final: false,
            ending,
            lasts: report.given.report_within,
            renewed: None,
        };
        let entry = self.reports.enter(&claimed, now);
        let draws = &report.given.draws;
        match (entry, self.bug) {
            (Entry::New(ending), _) => {
                self.settle(draws, &[report.part], ending);
                self.end_open(draws, ending);
            }
            (Entry::Duplicate, Some(Bug::RefundTwice)) => self.settle(draws, &[report.part], None),
            (Entry::Duplicate, Some(Bug::PermitTwice)) => self.give_back_another(report),
            (Entry::Duplicate, Some(Bug::CountReports)) => self.settle(draws, &[], Some(ending)),
            _ => {}
        }
    }

    fn settle(&mut self, draws: &[(Uuid, Draw)], parts: &[Part], ending: Option<Ending>) {
        let lease = Lease {
            draws,
            model: None,
            // The ledger's second look at what was settled must not hide the bugs.
            granted: u64::MAX,
        };
        self.budget.settle(lease, parts, ending);
    }
}

const fn sure(started_by: BootTime) -> Ending {
    Ending {
        is_sure: true,
        started_by,
    }
}
