//! A replica: the production memory of one, and what stands around it in the process.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use keylease::domain::claims::LeaseClaims;
use keylease::domain::ledger::block::Ending;
use keylease::domain::ledger::budget::Taken;
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
mod configured;
mod ending;
mod leasing;
mod planting;
mod renewing;
mod replaying;
mod reporting;
mod speaking;
mod waiting;

pub(crate) use ending::End;
use leasing::Trying;
pub(crate) use speaking::Number;
use waiting::InLine;

/// A replica.
pub(crate) struct Replica {
    pub(crate) clock: BootClock,
    pub(crate) boot_id: Uuid,
    pub(crate) is_alive: bool,
    pub(crate) paused_until: Time,
    pub(crate) live: Arc<Live>,
    pub(crate) account: Arc<AccountLive>,
    waiting: InLine,
    /// When it next does something by itself.
    pub(crate) wakes_at: Option<Time>,
    pub(crate) is_paced: bool,
    /// What the operator says of the database.
    pub(crate) replication: Replication,
    pub(crate) lease_duration: Duration,
    /// Until when it cannot reach the database.
    pub(crate) cut_off_until: Time,
    /// How far it has come with its end.
    pub(crate) end: Option<End>,
    speaking: speaking::Speaking,
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
    serials: u64,
    /// For the bug that ends open blocks: what it has seen of each.
    seen: BTreeMap<(Uuid, u64), (u64, u64, BootTime)>,
    early: Vec<(Uuid, Return)>,
    bug: Option<Bug>,
}

/// What became of a call.
pub(crate) enum Outcome {
    Given(Given),
    Waits,
    /// It is refused, and told to come back after so long.
    Told(Call, Duration),
    Refused,
}

impl Replica {
    pub(crate) fn new(clock: BootClock, boot_id: Uuid, limits: &[Limit], bug: Option<Bug>) -> Self {
        let mut registry = configured::registry();
        let mut replica = Self {
            clock,
            boot_id,
            is_alive: true,
            paused_until: 0,
            live: Live::new(boot_id, Duration::from_mins(5)),
            account: registry.account_live(Uuid::nil()),
            waiting: InLine::default(),
            wakes_at: None,
            is_paced: true,
            replication: Replication::Asynchronous(LAG_MAX),
            lease_duration: Duration::ZERO,
            cut_off_until: 0,
            end: None,
            speaking: speaking::Speaking::default(),
            outbox: Outbox::default(),
            limits: limits.to_vec(),
            read: BootTime::default(),
            registry,
            reports: Reports::default(),
            foreign: BTreeMap::new(),
            calls: replaying::Calls::default(),
            serials: 0,
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
            replica: self.misled(self.live.as_replica(sent)),
            clock: &self.live.clock,
            sent,
            now: self.clock.at(time),
        }
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

    /// There may be something to say.
    fn note(&self) {
        self.live.ledger.note(std::slice::from_ref(&self.account));
    }

    fn give(&mut self, call: Call, taken: &Taken, received: BootTime, time: Time) -> Given {
        let serial = self.serials;
        self.serials += 1;
        self.note_draws(&taken.draws);
        self.note();
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
