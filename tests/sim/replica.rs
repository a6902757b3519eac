//! A replica: the production budget, clock samples and reports, and what stands around them in the process.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use keylease::domain::claims::LeaseClaims;
use keylease::domain::ledger::block::Ending;
use keylease::domain::ledger::budget::{Need, Take, Taken};
use keylease::domain::ledger::held::Ticket;
use keylease::domain::ledger::standing::Replication;
use keylease::domain::ledger::work::{Return, Work};
use keylease::domain::limit::Limit;
use keylease::domain::tags::Tags;
use keylease::domain::time::{BootTime, Timestamp};
use keylease::live::Live;
use keylease::live::account::AccountLive;
use keylease::live::outbox::Outbox;
use keylease::live::registry::Registry;
use keylease::live::reports::Reports;
use uuid::Uuid;

use crate::bugs::Bug;
use crate::caller::{Call, Given};
use crate::database::{Client, LAG_MAX};
use crate::time::{BootClock, Time};

mod beating;
mod ending;
mod planting;
mod renewing;
mod replaying;
mod reporting;

pub(crate) use ending::End;

/// A replica.
pub(crate) struct Replica {
    pub(crate) clock: BootClock,
    pub(crate) boot_id: Uuid,
    pub(crate) is_alive: bool,
    pub(crate) paused_until: Time,
    pub(crate) live: Arc<Live>,
    pub(crate) account: Arc<AccountLive>,
    pub(crate) waiting: BTreeMap<Ticket, Waiting>,
    /// When the waiting are next woken, if they are.
    pub(crate) wakes_at: Option<Time>,
    pub(crate) is_paced: bool,
    /// What the operator says of the database.
    pub(crate) replication: Replication,
    pub(crate) lease_duration: Duration,
    /// Until when it cannot reach the database.
    pub(crate) cut_off_until: Time,
    /// How far it has come with its end.
    pub(crate) end: Option<End>,
    /// Transactions whose answer has not come.
    pub(crate) under_way: usize,
    /// Reports for other replicas.
    pub(crate) outbox: Outbox,
    limits: Vec<Limit>,
    /// When these were known to be the latest.
    read: BootTime,
    registry: Registry,
    reports: Reports,
    /// What was reported here of leases of others.
    foreign: BTreeMap<Uuid, Reports>,
    calls: replaying::Calls,
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
    /// It is refused, and told to come back at this time.
    Told(Call, BootTime),
    Refused,
}

impl Replica {
    pub(crate) fn new(clock: BootClock, boot_id: Uuid, limits: &[Limit], bug: Option<Bug>) -> Self {
        let mut registry = Registry::default();
        registry.accounts.insert(Uuid::nil(), beating::account());
        let mut replica = Self {
            clock,
            boot_id,
            is_alive: true,
            paused_until: 0,
            live: Live::new(boot_id, Duration::from_mins(5)),
            account: registry.account_live(Uuid::nil()),
            waiting: BTreeMap::new(),
            wakes_at: None,
            is_paced: true,
            replication: Replication::Asynchronous(LAG_MAX),
            lease_duration: Duration::ZERO,
            cut_off_until: 0,
            end: None,
            under_way: 0,
            outbox: Outbox::default(),
            limits: limits.to_vec(),
            read: BootTime::default(),
            registry,
            reports: Reports::default(),
            foreign: BTreeMap::new(),
            calls: replaying::Calls::default(),
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
        let limits = limits
            .iter()
            .map(|limit| (limit.uid, Arc::new(limit.clone())));
        self.registry.limits = limits.collect();
        self.live.learned(Some(self.registry.snapshot()), self.read);
    }

    /// As the database sees it.
    pub(crate) fn client(&self, sent: BootTime, time: Time) -> Client<'_> {
        Client {
            replica: self.live.as_replica(),
            clock: &self.live.clock,
            sent,
            now: self.clock.at(time),
        }
    }

    /// What there is to say to the database.
    pub(crate) fn work(&mut self, time: Time) -> Vec<Work> {
        let now = self.clock.at(time);
        let (blocks, is_paced) = (&mut self.blocks, self.is_paced);
        let mut works = self.account.with_budget_quietly(|budget| {
            budget.work(is_paced, now, || {
                *blocks += 1;
                *blocks
            })
        });
        if self.bug == Some(Bug::OveruseForgotten) {
            works.iter_mut().for_each(|work| work.charge = None);
        }
        self.end_early(&mut works);
        works
    }

    /// Whether now is when the waiting are to be woken. A wake that was put off comes too late.
    pub(crate) fn is_woken(&mut self, time: Time) -> bool {
        self.wakes_at.take_if(|at| *at <= time).is_some()
    }

    /// The database's clock, as far as it is known here.
    fn database_now(&self, time: Time) -> Timestamp {
        self.database_at(self.clock.at(time))
    }

    fn database_at(&self, now: BootTime) -> Timestamp {
        let known = self.live.clock.is_known().then(|| self.live.clock.at(now));
        known.unwrap_or_default()
    }

    /// A call arrives: it is given a lease, waits, or is refused; and so may others be that waited for it.
    pub(crate) fn call(&mut self, call: Call, time: Time) -> Vec<Outcome> {
        if self.end.is_some() {
            return Vec::new();
        }
        let received = self.clock.at(time);
        self.lease(call, received, time)
    }

    /// Those who wait try again, in the order of their arrival, until one has to wait on.
    pub(crate) fn retry(&mut self, time: Time) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while let Some((ticket, waiting)) = self.waiting.pop_first() {
            let request = waiting.call.request;
            let outcome = self.attempt(waiting.call, waiting.received, Some(ticket), time);
            let waits = matches!(outcome, Outcome::Waits(_));
            outcomes.extend(self.follow(request, outcome, time));
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
        let now = self.clock.at(time);
        let need = Need {
            model: call.model,
            uses: call.uses,
            estimate: call.estimate,
            is_new: ticket.is_none(),
            ticket,
            is_patient: !call.max_wait.is_zero(),
            until: received.after(call.max_wait),
            lease_duration: self.lease_duration,
            slot: self.live.slot(),
        };
        let wait = match self.account.with_budget_quietly(|b| b.take(need, now)) {
            Take::Taken(taken) => {
                ticket.iter().for_each(|t| self.leave(*t));
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
            ticket.iter().for_each(|t| self.leave(*t));
            return Outcome::Told(call, wait.retry_at(boot));
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

    fn give(&mut self, call: Call, taken: &Taken, received: BootTime, time: Time) -> Given {
        let serial = self.serials;
        self.serials += 1;
        self.note_draws(&taken.draws);
        let waited = self.clock.at(time).since(received);
        let is_once = call.request.is_none() || self.bug == Some(Bug::EndByFirstCall);
        let claims = LeaseClaims {
            caller_uid: Uuid::nil(),
            pool_uid: Uuid::nil(),
            account_uid: Uuid::nil(),
            version_uid: Uuid::nil(),
            model: String::new(),
            granted: u32::try_from(taken.uses).unwrap(),
            is_canary: false,
            given: self.database_now(time),
            // As in production: a call that may be sent again may start later than is counted from here.
            received: is_once.then_some(received),
            report_within: taken.within.report,
            draws: taken.draws.clone(),
            avoided: Vec::new(),
            tags: Tags::default(),
        };
        if self.bug == Some(Bug::EndSilent) {
            let now = self.clock.at(time);
            self.settle(&claims.draws, &[], Some(sure(now)));
        }
        Given {
            issuer: self.boot_id,
            serial,
            granted: taken.uses,
            claims: Rc::new(claims),
            received,
            start_within: self.start_within(taken) + waited,
            report_within: taken.within.report + waited,
            is_again: false,
            call,
        }
    }
}

const fn sure(started_by: BootTime) -> Ending {
    Ending {
        is_sure: true,
        started_by,
    }
}
