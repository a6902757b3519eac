//! Leases, with everything that a replica remembers of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use keylease::domain::ledger::block::Draw;
use keylease::domain::ledger::budget::Need;
use keylease::domain::ledger::held::Ticket;
use keylease::domain::pool::Estimate;
use keylease::domain::prices::OperatorPrices;
use keylease::domain::time::{BootTime, Timestamp};
use keylease::live::canaries::Canaries;
use keylease::live::choose::{Chosen, Now, Wish, choose};
use keylease::live::line::Waiting;
use keylease::live::renewals::Until;
use keylease::live::replayed::Replayed;
use keylease::live::replays::Replays;
use keylease::live::snapshot::Snapshot;
use keylease::live::version::Applicant;
use uuid::Uuid;

use super::fleet::Fleet;
use super::granting::{flush, speak};
use crate::time::{SECOND, Time};

/// How long a lease lasts.
pub(super) const LASTS: Duration = Duration::from_mins(10);

/// Leases that are out, and what is remembered beside [`keylease::live::Live`].
pub(super) struct Traffic {
    pub(super) out: VecDeque<Given>,
    replays: Replays<u64, u64>,
    pub(super) replayed: Replayed,
    serials: u64,
    /// Of this replica; the rights to them are another's.
    canaries: Canaries,
    prices: OperatorPrices,
}

/// A lease that is out.
pub(super) struct Given {
    pub(super) serial: u64,
    pub(super) issuer: Uuid,
    pub(super) caller: Uuid,
    pub(super) model: String,
    pub(super) account: Uuid,
    pub(super) version: Uuid,
    pub(super) pool: Arc<str>,
    pub(super) granted: u32,
    pub(super) reported: u32,
    pub(super) draws: Vec<(Uuid, Draw)>,
    pub(super) received: BootTime,
    pub(super) given: Timestamp,
    pub(super) due: Time,
}

impl Traffic {
    pub(super) fn new() -> Self {
        Self {
            out: VecDeque::new(),
            replays: Replays::default(),
            replayed: Replayed::default(),
            serials: 0,
            canaries: Canaries::default(),
            prices: OperatorPrices::default(),
        }
    }

    /// One second of it.
    pub(super) fn second(&mut self, fleet: &mut Fleet, leases: u32) {
        let snapshot = fleet.live.snapshot();
        while self
            .out
            .front()
            .is_some_and(|given| given.due <= fleet.time)
        {
            if let Some(given) = self.out.pop_front() {
                self.report(fleet, &snapshot, given);
            }
        }
        speak(fleet, &snapshot);
        for _ in 0..leases {
            self.lease(fleet, &snapshot);
        }
        if fleet.time.is_multiple_of(10 * SECOND) {
            flush(fleet);
            // Nobody here asks for rights to canaries: what wants to be asked is dropped.
            self.canaries = Canaries::default();
        }
    }

    /// Where permits are short it waits in line until the database has been asked, and tries once more.
    fn lease(&mut self, fleet: &mut Fleet, snapshot: &Snapshot) {
        let pool = &snapshot.pools[&fleet.pools[fleet.random.index(fleet.pools.len())]];
        let now = fleet.now();
        let hour = fleet.time / (3_600 * SECOND);
        // Models and callers come and go.
        let model = format!("model-{}-{}", hour, fleet.random.index(20));
        let caller = Uuid::from_u128(u128::from(hour) << 16 | fleet.random.index(50) as u128);
        let uses = 1 + u64::from(fleet.random.chance(0.1));
        let mut waiting = None;
        for is_new in [true, false] {
            let ticket = waiting.as_ref().map(Waiting::ticket);
            let wish = self.wish((caller, &model), uses, ticket, now);
            match choose(pool, &wish, now) {
                Ok(chosen) => {
                    let given = self.given(fleet, chosen, (caller, &model, pool.pool.id.as_str()));
                    return self.send(fleet, given);
                }
                Err(unserved) if is_new && !unserved.short.is_empty() => {
                    fleet.did.waits += 1;
                    let mut place = fleet.live.line.join(&pool.live, true).unwrap();
                    place.stand(&unserved.short);
                    fleet.live.ledger.ask(&unserved.short);
                    waiting = Some(place);
                    speak(fleet, snapshot);
                }
                Err(unserved) => {
                    let _ = unserved.refusal(&wish, now);
                    fleet.did.refusals += 1;
                    return;
                }
            }
        }
    }

    fn wish<'a>(
        &'a self,
        (caller, model): (Uuid, &'a str),
        uses: u64,
        ticket: Option<Ticket>,
        now: Now,
    ) -> Wish<'a> {
        Wish {
            need: Need {
                model: Some(model),
                uses,
                estimate: Estimate::in_force(None, None),
                is_new: ticket.is_none(),
                ticket,
                is_patient: true,
                until: now.boot.after(LASTS),
                lease_duration: LASTS,
                slot: None,
            },
            affinity_key: None,
            account: None,
            avoided: &[],
            avoided_until: None,
            applicant: Applicant {
                caller,
                patience: Duration::ZERO,
            },
            canaries: &self.canaries,
            prices: &self.prices,
        }
    }

    fn given(&mut self, fleet: &mut Fleet, chosen: Chosen, of: (Uuid, &str, &str)) -> Given {
        self.serials += 1;
        fleet.did.leases += 1;
        fleet
            .live
            .ledger
            .note(std::slice::from_ref(&chosen.account.live));
        // Some come from replicas that live for an hour each.
        let hour = fleet.time / (3_600 * SECOND);
        let is_foreign = fleet.random.chance(0.1);
        Given {
            serial: self.serials,
            issuer: if is_foreign {
                Uuid::from_u128(u128::from(hour) << 96)
            } else {
                fleet.live.boot_id
            },
            caller: of.0,
            model: of.1.to_owned(),
            account: chosen.account.account.meta.uid,
            version: chosen.version.version.meta.uid,
            pool: of.2.into(),
            granted: u32::try_from(chosen.taken.uses).unwrap(),
            reported: 0,
            draws: chosen.taken.draws,
            received: fleet.now().boot,
            given: fleet.now().database,
            due: 0,
        }
    }

    /// It is reported later, in order of arrival to keep it simple: also never, by one in twenty.
    fn send(&mut self, fleet: &mut Fleet, mut given: Given) {
        let now = fleet.now();
        if fleet.random.chance(0.2) {
            let id = format!("call-{}", given.serial);
            let until = now.boot.after(Duration::from_secs(1));
            let slot = self
                .replays
                .slot(given.caller, &id, || given.serial, until, now.boot);
            let reports = fleet.live.reports_of(fleet.live.boot_id);
            if slot.is_ok() && fleet.random.chance(0.2) {
                let until = now.boot.after(LASTS);
                let _ =
                    self.replayed
                        .give_again(given.caller, given.serial, &reports, until, now.boot);
                fleet.did.again += 1;
            }
        }
        if fleet.random.chance(0.02) {
            let until = Until {
                database: now.database.after(LASTS * 2),
                boot: now.boot.after(LASTS * 2),
            };
            fleet
                .live
                .renewals
                .note(given.issuer, given.serial, until, now.database);
            fleet.did.renewals += 1;
        }
        if !fleet.random.chance(0.05) {
            given.due = fleet.time + 5 * SECOND;
            self.out.push_back(given);
        }
    }
}
