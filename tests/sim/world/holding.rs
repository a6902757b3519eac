//! Callers that hold what they lease, let it go on, and have to be done in time.

use keylease::domain::claims::LeaseClaims;
use keylease::domain::prolonged::Prolonged;
use keylease::live::renew::Renewed;

use super::*;

/// A lease as its caller holds it: from when it was handed out until it is reported, or has ended by the caller's clock.
pub(super) struct Holding {
    given: Given,
    since: Time,
    /// When the caller has to be done.
    until: Time,
    /// The same by renewals that are committed, of which the caller may not have heard.
    renewed: Time,
    /// When it will be, if it may. One that is never reported is held until it has to be let go.
    wants: Option<Time>,
}

/// Names a lease.
pub(super) type LeaseId = (Uuid, u64);

impl Given {
    pub(super) fn id(&self) -> LeaseId {
        (self.issuer, self.serial)
    }

    /// When so much has passed on the caller's clock since it sent something.
    fn passed(&self, sent: Time, within: Duration) -> Time {
        let rate = 1.0 + self.call.clock.ppm as f64 / 1e6;
        sent + (within.as_nanos() as f64 / rate) as Time
    }
}

impl World<'_> {
    fn is_holding(&self) -> bool {
        self.limits.iter().any(|limit| limit.span.is_held())
    }

    /// A lease is handed out.
    pub(super) fn hold(&mut self, given: &Given) {
        if !self.is_holding() {
            return;
        }
        let until = given.passed(given.call.sent, given.report_within);
        let now = self.now;
        // One that is given again is held since it was given first.
        let holding = self.holdings.entry(given.id()).or_insert_with(|| Holding {
            given: given.clone(),
            since: now,
            until,
            renewed: 0,
            wants: None,
        });
        holding.until = until.max(holding.until);
        let until = holding.until;
        self.look_again(given.id(), until);
    }

    /// Its use has begun: it lasts a while, longer than the lease perhaps.
    pub(super) fn use_for_a_while(&mut self, given: &Given, is_silent: bool) {
        let lasts = self.random.between(0, nanos(self.setup.hold_max).max(1));
        if is_silent {
            return;
        }
        let wants = self.now + lasts;
        let Some(holding) = self.holdings.get_mut(&given.id()) else {
            return;
        };
        holding.wants = Some(wants);
        let until = holding.until;
        self.look_again(given.id(), wants);
        self.plan_renewal(given.id(), until, wants);
    }

    fn plan_renewal(&mut self, id: LeaseId, until: Time, wants: Time) {
        if wants > until && until > self.now {
            let left = until - self.now;
            let delay = self.random.between(left / 4, left * 9 / 10);
            self.after(delay, Event::AskOn(id));
        }
    }

    fn look_again(&mut self, id: LeaseId, at: Time) {
        let delay = at.saturating_sub(self.now);
        self.after(delay, Event::Hold(id));
    }

    /// It is over if its caller is done with it, or has to be.
    pub(super) fn look_at(&mut self, id: LeaseId) {
        let Some(holding) = self.holdings.get(&id) else {
            return;
        };
        let is_done = holding.wants.is_some_and(|wants| wants <= self.now);
        let given = holding.given.clone();
        if is_done && self.now <= holding.until {
            self.tell(&given, Portion::whole(given.granted, Seen::Answer), None);
            self.let_go(id, self.now);
        } else if holding.until <= self.now {
            let until = holding.until;
            self.let_go(id, until);
        }
    }

    /// A report of it leaves its caller, or its caller has given up.
    pub(super) fn let_go(&mut self, id: LeaseId, at: Time) {
        let Some(holding) = self.holdings.remove(&id) else {
            return;
        };
        for limit in self.limits.iter().filter(|limit| limit.span.is_held()) {
            let oracle = self.oracles.get_mut(&limit.uid).unwrap();
            // A call that lay at a stopped replica for long is given a lease that has ended.
            let until = at.max(holding.since);
            oracle.held(holding.since, until, holding.given.granted);
        }
    }

    pub(super) fn let_go_of(&mut self, given: &Given) {
        self.let_go(given.id(), self.now);
    }

    /// Whatever is held at the end has been held until then.
    pub(super) fn let_all_go(&mut self, end: Time) {
        let ids: Vec<LeaseId> = self.holdings.keys().copied().collect();
        for id in ids {
            self.let_go(id, end);
        }
    }

    /// When the last has ended of what is held by now, if nothing of it is renewed any more.
    pub(super) fn last_end(&self) -> Time {
        let held = self.holdings.values();
        let ends = held.map(|holding| holding.until.max(holding.renewed));
        ends.max().unwrap_or_default()
    }

    /// The caller asks some replica to let the lease go on.
    pub(super) fn ask_on(&mut self, id: LeaseId) {
        let Some(holding) = self.holdings.get(&id) else {
            return;
        };
        let (given, sent) = (holding.given.clone(), self.now);
        let index = self.random.index(self.replicas.len());
        let delay = self.hop() / 2;
        self.after(delay, Event::Renew(index, given, sent));
    }

    /// RenewLease arrives at a replica.
    pub(super) fn renew(&mut self, index: usize, given: Given, sent: Time) {
        if !self.replicas[index].is_alive {
            return;
        }
        let boot = self.replicas[index].boot_id;
        let begun = self.replicas[index].clock.at(self.now);
        let slow = self.slow(self.setup.faults.slow_database);
        let mut delay = self.hop() + slow;
        let longest = nanos(self.setup.lease_duration);
        // Whoever soon knows better may ask for less than is left.
        let lasts = Duration::from_nanos(self.random.between(longest / 8, longest));
        if self.setup.bug == Some(Bug::RenewAnsweredFirst) {
            self.after(1, Event::GoesOn(given.id(), sent, lasts));
            delay += nanos(self.setup.lease_duration);
        }
        let server = self.server;
        let renewing = Renewing {
            given,
            sent,
            begun,
            lasts,
            server,
        };
        self.after(delay, Event::RenewTransact(index, boot, renewing));
    }

    pub(super) fn renew_transact(&mut self, index: usize, boot: Uuid, mut renewing: Renewing) {
        let is_gone = self.is_cut_off(index) || renewing.server != self.server;
        if !self.is_up(index, boot) || is_gone {
            return;
        }
        let time = self.now;
        let replica = &mut self.replicas[index];
        replica.know_limits_of(&renewing.given.claims, &self.database);
        let client = replica.client(renewing.begun, time);
        let wanted = replica.renewing(&renewing.given, renewing.lasts, renewing.begun);
        renewing.lasts = wanted.report_within;
        match self.database.renew(&wanted, &client, time) {
            Renewed::Doubtful => self.look(index),
            Renewed::Gone | Renewed::Uncounted => {}
            Renewed::Done => {
                if let Some(holding) = self.holdings.get_mut(&renewing.given.id()) {
                    let until = holding.given.passed(renewing.sent, renewing.lasts);
                    holding.renewed = until.max(holding.renewed);
                }
                if !self.random.chance(self.setup.faults.lost_reply) {
                    let delay = self.hop() + self.slow(self.setup.faults.slow_database);
                    self.after(delay, Event::RenewAnswered(index, boot, renewing));
                }
            }
        }
    }

    /// The transaction is known to be committed.
    pub(super) fn renew_answered(&mut self, index: usize, boot: Uuid, renewing: Renewing) {
        if !self.is_up(index, boot) {
            return;
        }
        let given = renewing.given;
        if boot == given.issuer {
            let news = Prolonged {
                serial: given.serial,
                report_within: renewing.lasts,
                claims: LeaseClaims::clone(&given.claims),
            };
            let goes_on = self.replicas[index].goes_on(&news, self.now);
            self.wake(index);
            if !goes_on {
                return;
            }
        }
        let delay = self.hop() / 2 + self.slow(self.setup.faults.slow_lease);
        self.after(
            delay,
            Event::GoesOn(given.id(), renewing.sent, renewing.lasts),
        );
    }

    /// The caller learns that its lease goes on, if that is not too late.
    pub(super) fn goes_on(&mut self, id: LeaseId, sent: Time, within: Duration) {
        let Some(holding) = self.holdings.get_mut(&id) else {
            return;
        };
        if holding.until <= self.now {
            return;
        }
        holding.until = holding.until.max(holding.given.passed(sent, within));
        let (until, wants) = (holding.until, holding.wants);
        self.look_again(id, until);
        if let Some(wants) = wants {
            self.plan_renewal(id, until, wants);
        }
    }
}
