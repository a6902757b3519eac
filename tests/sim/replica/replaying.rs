//! Calls that name a request id: the production slots, and those who wait for another call of the same id.

use keylease::domain::replay::{Bounds, Left};
use keylease::live::replayed::Replayed;
use keylease::live::replays::{Replays, Slot};

use super::*;
use crate::caller::{Report, RequestId};

/// As production has it for calls that do not wait.
const COLD_WAIT_MAX: Duration = Duration::from_secs(1);

/// Calls by request id.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) replays: Replays<(), Once>,
    pub(super) replayed: Replayed,
    /// Calls that are to be given a lease, and those that wait for them.
    pending: BTreeMap<RequestId, Pending>,
}

struct Pending {
    slot: Arc<Slot<(), Once>>,
    aside: Vec<Trying>,
}

/// What was given once.
#[derive(Debug)]
pub(super) struct Once {
    given: Given,
    bounds: Bounds,
}

impl Replica {
    /// Leases, or gives again what was given for the same id.
    pub(super) fn lease(&mut self, call: Call, received: BootTime, time: Time) -> Vec<Outcome> {
        let Some(id) = call.request else {
            return vec![self.attempt(self.trying(call, received), time)];
        };
        let answered_by = received.after(call.max_wait.max(COLD_WAIT_MAX));
        let (name, now) = (id.to_string(), self.clock.at(time));
        let replays = &self.calls.replays;
        let Ok(slot) = replays.slot(Uuid::nil(), &name, || (), answered_by, now) else {
            return vec![Outcome::Refused];
        };
        if let Some(once) = slot.given.get() {
            return vec![self.again(call, received, once, time)];
        }
        if self.calls.pending.contains_key(&id) {
            let trying = self.trying(call, received);
            let pending = self.calls.pending.get_mut(&id).unwrap();
            pending.aside.push(trying);
            return Vec::new();
        }
        let aside = Vec::new();
        self.calls.pending.insert(id, Pending { slot, aside });
        let outcome = self.attempt(self.trying(call, received), time);
        self.follow(Some(id), outcome, time)
    }

    /// What becomes of those who wait for a call to which this came.
    pub(super) fn follow(
        &mut self,
        request: Option<RequestId>,
        outcome: Outcome,
        time: Time,
    ) -> Vec<Outcome> {
        let pending = match outcome {
            Outcome::Waits => None,
            Outcome::Given(_) | Outcome::Told(..) | Outcome::Refused => {
                request.and_then(|id| self.calls.pending.remove(&id))
            }
        };
        let Some(Pending { slot, aside }) = pending else {
            return vec![outcome];
        };
        if let Outcome::Given(given) = &outcome {
            let bounds = Bounds::new(given.received, given.start_within, given.report_within);
            slot.is_useful_until(bounds.starts_by);
            let given = given.clone();
            slot.given.set(Once { given, bounds }).unwrap();
        }
        let mut outcomes = vec![outcome];
        for trying in aside {
            let received = trying.received();
            outcomes.extend(self.lease(trying.call, received, time));
        }
        outcomes
    }

    fn again(&self, call: Call, received: BootTime, once: &Once, time: Time) -> Outcome {
        let (Once { given, bounds }, now) = (once, self.clock.at(time));
        let until = bounds.reports_by;
        let (caller, serial) = (given.claims.caller_uid, given.serial);
        let replayed = &self.calls.replayed;
        if replayed.give_again(caller, serial, &self.reports, until, now) != Ok(true) {
            return Outcome::Refused;
        }
        let left = match self.bug {
            Some(Bug::FreshReplay) => Some(Left {
                start_within: given.start_within,
                report_within: given.report_within,
            }),
            _ => bounds.left(received),
        };
        let Some(left) = left else {
            return Outcome::Refused;
        };
        Outcome::Given(Given {
            call,
            received,
            start_within: left.start_within,
            report_within: left.report_within,
            is_again: true,
            ..given.clone()
        })
    }

    pub(super) fn doubts(&self, report: &Report, came_elsewhere: bool) -> bool {
        let is_believed = match self.bug {
            Some(Bug::ReplayForgotten) => true,
            Some(Bug::UnsentBelieved) => !came_elsewhere,
            _ => false,
        };
        let (caller, serial) = (report.claims.caller_uid, report.serial);
        let replayed = &self.calls.replayed;
        !is_believed && replayed.doubts(caller, serial, came_elsewhere, &report.outcomes)
    }

    /// With the last report of a lease it matters no more that it was given again. False where some of it is in doubt.
    pub(super) fn end(&self, report: &Report) -> bool {
        let (caller, serial) = (report.claims.caller_uid, report.serial);
        self.calls.replayed.end(caller, serial)
    }

    /// Uses of a lease that goes on which its caller may have still.
    pub(super) fn left(&self, claims: &LeaseClaims, serial: u64, until: BootTime) -> u64 {
        let replayed = &self.calls.replayed;
        let is_doubted = replayed.goes_on(claims.caller_uid, serial, until);
        let is_doubted = is_doubted && self.bug != Some(Bug::DoubtForgotten);
        let reported = self.reports.left(serial, claims.granted);
        u64::from(if is_doubted { claims.granted } else { reported })
    }

    /// A caller has gone away: its call leaves the line, and another of the same id may take its place.
    pub(crate) fn cancel(&mut self, id: RequestId, sent: Time, time: Time) -> Vec<Outcome> {
        let is_it = |trying: &Trying| trying.call.request == Some(id) && trying.call.sent == sent;
        if let Some(pending) = self.calls.pending.get_mut(&id) {
            pending.aside.retain(|waiting| !is_it(waiting));
        }
        let Some(ticket) = self.waiting.find(is_it) else {
            return Vec::new();
        };
        self.waiting.take(ticket);
        self.follow(Some(id), Outcome::Refused, time)
    }

    /// Nobody is given anything any more.
    pub(super) fn forsake_all(&mut self) {
        self.calls.pending.clear();
        self.waiting = InLine::default();
    }
}
