//! Calls for leases, by the tries of production: who waits tries again when it is woken, or when its time has come.

use keylease::domain::claims::RetryClaims;
use keylease::domain::refusal::LeaseRefusal;
use keylease::live::choose::Now;
use keylease::live::line::Waiting;
use keylease::vault::{LeaseKey, Tried, attempt};

use super::*;

/// So often nobody tries at one time, unless calls wake each other without end.
const TRIES_MAX: usize = 10_000;

/// A call that waits, or is about to.
pub(crate) struct Trying {
    pub(super) call: Call,
    asks: LeaseKey,
    pub(super) place: Option<Waiting>,
}

impl Trying {
    pub(super) const fn received(&self) -> BootTime {
        self.asks.received
    }
}

impl Replica {
    /// A call that came then.
    pub(super) fn trying(&self, call: Call, received: BootTime) -> Trying {
        let asks = LeaseKey {
            pool: configured::pool_id(),
            model: call.model.map(str::to_owned),
            requests: u32::try_from(call.uses).unwrap(),
            estimate: Some(call.estimate),
            max_wait: call.max_wait,
            lease_duration: Some(self.lease_duration),
            affinity_key: None,
            account: None,
            retry_token: None,
            tags: Tags::default(),
            request_id: None,
            received,
            deadline: None,
        };
        Trying {
            call,
            asks,
            place: None,
        }
    }

    /// Whoever of those who wait was woken, or has waited long enough, tries again: whoever came first before others, as long as one wakes
    /// another.
    pub(crate) fn retry(&mut self, time: Time) -> Vec<Outcome> {
        let now = self.clock.at(time);
        let (mut outcomes, mut from) = (Vec::new(), 0);
        for _ in 0..TRIES_MAX {
            let Some(ticket) = self.waiting.due(from, now) else {
                if from == 0 {
                    return outcomes;
                }
                from = 0;
                continue;
            };
            from = ticket + 1;
            let trying = self.waiting.take(ticket);
            let request = trying.call.request;
            let outcome = self.attempt(trying, time);
            outcomes.extend(self.follow(request, outcome, time));
        }
        unreachable!("calls that wait wake each other without end");
    }

    /// As in production: once in line, it tries again.
    pub(super) fn attempt(&mut self, mut trying: Trying, time: Time) -> Outcome {
        let boot = self.clock.at(time);
        let now = Now {
            boot,
            database: self.database_at(boot),
        };
        let snapshot = self.live.snapshot();
        let pool = &snapshot.pools[&trying.asks.pool];
        let avoided = RetryClaims::nothing(Uuid::nil());
        loop {
            let asks = (&trying.asks, &avoided);
            match attempt(&self.live, pool, asks, &mut trying.place, now) {
                Ok(Tried::Served(chosen)) => {
                    let (call, received) = (trying.call.clone(), trying.received());
                    drop(trying);
                    return Outcome::Given(self.give(call, &chosen.taken, received, time));
                }
                Ok(Tried::Again) => {}
                Ok(Tried::Waits(until)) => {
                    self.waiting.wait(trying, until);
                    return Outcome::Waits;
                }
                Err(refusal) => return told(trying.call, &refusal, now),
            }
        }
    }
}

/// A refusal may say when a retry can succeed.
fn told(call: Call, refusal: &LeaseRefusal, now: Now) -> Outcome {
    let LeaseRefusal::NoKey(tally, _) = refusal else {
        return Outcome::Refused;
    };
    tally.retry().map_or(Outcome::Refused, |at| {
        Outcome::Told(call, at.since(now.database))
    })
}
