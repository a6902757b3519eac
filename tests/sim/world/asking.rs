//! Callers that send a call again: when no answer comes, or when they have forgotten that one came.

use super::*;

/// How often a call is sent at most.
const SENT_MAX: u32 = 4;
/// How long a report is on its way at most to which no answer is waited for.
const UNANSWERED_MAX: Time = 2 * SECOND;

/// A call that can be sent again.
pub(super) struct Asking {
    call: Call,
    index: usize,
    /// How often it was sent.
    sent: u32,
    /// The lease that is used.
    taken: Option<LeaseId>,
}

impl World<'_> {
    /// Names a call, so that it can be sent again, or leaves it alone.
    pub(super) fn name(&mut self, mut call: Call, index: usize) -> Call {
        if !self.random.chance(self.setup.named) {
            return call;
        }
        self.requests += 1;
        let id = self.requests;
        call.request = Some(id);
        let asking = Asking {
            call: call.clone(),
            index,
            sent: 1,
            taken: None,
        };
        self.asking.insert(id, asking);
        self.wait_for(id);
        call
    }

    fn wait_for(&mut self, id: RequestId) {
        let most = nanos(self.setup.patience);
        let delay = self.random.between(most / 4, most);
        self.after(delay, Event::Patience(id));
    }

    /// No answer came: the call is sent again, to the same replica or to another. Its first connection is cut, or is left.
    pub(super) fn lose_patience(&mut self, id: RequestId) {
        let (now, count) = (self.now, self.replicas.len());
        let Some(asking) = self.asking.get_mut(&id) else {
            return;
        };
        if asking.taken.is_some() || asking.sent >= SENT_MAX {
            self.asking.remove(&id);
            return;
        }
        let before = (asking.index, asking.call.sent);
        asking.sent += 1;
        asking.call.sent = now;
        if self.random.chance(0.25) {
            asking.index = self.random.index(count);
        }
        let (index, call) = (asking.index, asking.call.clone());
        let delay = self.hop() / 2;
        if self.random.chance(0.5) {
            self.after(delay, Event::Cancel(before.0, id, before.1));
        }
        let delay = self.hop() / 2;
        self.after(delay, Event::Call(index, call));
        self.wait_for(id);
    }

    pub(super) fn cancel(&mut self, index: usize, id: RequestId, sent: Time) {
        if self.replicas[index].is_alive {
            let outcomes = self.replicas[index].cancel(id, sent, self.now);
            self.take_up_all(outcomes);
        }
    }

    /// Whether a caller uses the lease that it was given: not one that it uses already, and none beside another.
    pub(super) fn is_taken(&mut self, given: &Given) -> bool {
        let Some(id) = given.call.request else {
            return true;
        };
        let is_forsaken = self.random.chance(self.setup.forsaken) || self.is_odd(Odd::Forgetful);
        let Some(asking) = self.asking.get_mut(&id) else {
            return false;
        };
        match asking.taken {
            Some(taken) if taken == given.id() => return false,
            Some(_) => {
                self.tell(given, Portion::whole(given.granted, Seen::NotSent), None);
                return false;
            }
            None => {}
        }
        if is_forsaken {
            self.forsake(given);
            return false;
        }
        asking.taken = Some(given.id());
        true
    }

    /// The caller says that it has not started, and is answered, or not for long. Then it forgets the lease, and sends its call again some
    /// time.
    fn forsake(&mut self, given: &Given) {
        self.let_go_of(given);
        // Of what is reported in parts, some.
        let parts = if self.setup.in_parts { 2 } else { 1 };
        let unsent = given.granted.div_ceil(parts);
        let report = Portion::whole(unsent, Seen::NotSent).report(given, None);
        if self.random.chance(0.5) {
            let issuer = self.replicas.iter().position(|r| r.boot_id == given.issuer);
            let delay = self.random.between(0, UNANSWERED_MAX);
            self.after(delay, Event::Report(issuer.unwrap_or_default(), report));
            return;
        }
        let index = self.random.index(self.replicas.len());
        let replica = &self.replicas[index];
        if replica.is_there() && replica.paused_until <= self.now {
            self.report(index, report);
        }
    }
}
