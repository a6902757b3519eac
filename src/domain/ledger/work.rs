//! What a replica and the database say to each other about one limit.

use std::time::Duration;

use uuid::Uuid;

use super::block::Closed;
use super::entry::Seen;
use super::grant::Ask;
use super::loss::Most;
use crate::domain::terms::Terms;
use crate::domain::time::{BootTime, Timestamp};

/// The most limits in one transaction: a thousand held their locks for more than a second.
pub const LIMITS_PER_TRANSACTION: usize = 64;

/// The id of a block in the database, from its number at its replica.
#[must_use]
pub fn block_id(boot_id: Uuid, number: u64) -> Uuid {
    Uuid::from_u64_pair(boot_id.as_u64_pair().0, number)
}

/// What a replica has to say about one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The limit.
    pub limit: Uuid,
    /// Units wanted.
    pub ask: Option<NumberedAsk>,
    /// What is known of closed blocks.
    pub returns: Vec<Return>,
    /// Units used beyond what was estimated.
    pub charge: Option<Charge>,
    /// The last grant that the replica has seen.
    pub seen: Seen,
    /// What it was granted.
    pub most: Most,
}

impl Work {
    /// Nothing to say: the clocks go on all the same.
    #[must_use]
    pub const fn silent(limit: Uuid) -> Self {
        Self {
            limit,
            ask: None,
            returns: Vec::new(),
            charge: None,
            seen: Seen::NONE,
            most: Most::NONE,
        }
    }
}

/// An ask, with the number that the block will have: made by the replica, so that a repetition is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedAsk {
    /// The number of the block.
    pub block: u64,
    /// What is asked.
    pub ask: Ask,
}

/// What is known of one closed block: absolute, so that a repetition changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// The block's number.
    pub block: u64,
    /// Units used of it.
    pub used: u64,
    /// If all that was drawn from it is known to have started by then.
    pub over_since: Option<BootTime>,
    /// The terms that it was granted with.
    pub terms: Terms,
    /// Which leases drawn from it are settled.
    pub settled: Vec<u8>,
    /// All of them have ended: nothing more will be said of it.
    pub is_ended: bool,
}

impl Return {
    /// Of a closed block.
    #[must_use]
    pub fn of(block: u64, closed: &Closed) -> Self {
        Self {
            block,
            used: closed.use_of.units,
            over_since: closed.use_of.over_since(),
            terms: closed.terms,
            settled: closed.use_of.settled.clone(),
            is_ended: closed.use_of.is_ended(),
        }
    }

    /// When the charge of a block ends sooner than it would: when the span of the last of its uses has, set against a `high` clock
    /// that was read after `sent`; at once, if nothing of it is held. Where the limit counts over a longer span `today`, so does this.
    pub(super) fn charge_until(
        &self,
        high: Timestamp,
        sent: BootTime,
        today: &Terms,
    ) -> Option<Timestamp> {
        if self.terms.span.is_held() {
            return (self.used == 0).then_some(high);
        }
        let start = high.before(sent.since(self.over_since?));
        let end = |terms: &Terms| terms.charge_until_after(start);
        Some(end(&self.terms).max(end(today)))
    }
}

/// Units used beyond what was estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The number of the block that carries it.
    pub block: u64,
    /// How many.
    pub units: u64,
    /// Of these, those of leases that a shadow had not been asked about.
    pub unasked: u64,
}

/// How long an ask is left alone after its transaction failed.
pub const PAUSE: Duration = Duration::from_millis(100);

/// When a limit that has too little can be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wait {
    /// The database is asked again at this time: something may have come back by then.
    pub ask_at: BootTime,
    /// What was asked for is free at this time, if nobody else takes it.
    pub clears_at: BootTime,
    /// It is frozen after lost writes.
    pub is_frozen: bool,
    /// The database did not answer when it was asked last.
    pub is_unreachable: bool,
}

impl Wait {
    /// When a retry may succeed, as far as anybody knows at `now`. While an answer is on its way, or could be asked for at once, nothing
    /// is known to be free: whoever holds the row may keep it until the ask is given up and made again.
    #[must_use]
    pub fn retry_at(&self, now: BootTime) -> BootTime {
        let is_known = now < self.ask_at;
        let floor = if is_known { now } else { now.after(PAUSE) };
        self.clears_at.max(floor)
    }

    /// The same, but nothing is asked and nothing is free before this.
    #[must_use]
    pub(super) fn not_before(self, at: Option<BootTime>) -> Self {
        let at = at.unwrap_or_default();
        Self {
            ask_at: self.ask_at.max(at),
            clears_at: self.clears_at.max(at),
            ..self
        }
    }

    /// The same, but nothing is free before this.
    #[must_use]
    pub(super) fn not_clear_before(self, at: Option<BootTime>) -> Self {
        Self {
            clears_at: self.clears_at.max(at.unwrap_or_default()),
            ..self
        }
    }

    /// The same, but all is free at this time, where nothing is frozen.
    #[must_use]
    pub(super) fn clear_by(self, at: Option<BootTime>) -> Self {
        let at = at.filter(|_| !self.is_frozen);
        Self {
            clears_at: at.map_or(self.clears_at, |at| self.clears_at.min(at)),
            ..self
        }
    }

    /// For both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            ask_at: self.ask_at.max(other.ask_at),
            clears_at: self.clears_at.max(other.clears_at),
            is_frozen: self.is_frozen || other.is_frozen,
            is_unreachable: self.is_unreachable || other.is_unreachable,
        }
    }
}

/// What the database answered to an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The block's number.
    pub block: u64,
    /// Units granted; 0 for none.
    pub units: u64,
    /// Of these, as many as the limit has room for: all of them, but of a shadow.
    pub within: u64,
    /// Of the units charged for leases that a shadow had not been asked about, those that it has no room for.
    pub unasked_over: u64,
    /// When the ask was first sent: validity counts from here, never from the answer.
    pub sent: BootTime,
    /// The terms in force when it was granted; the block keeps them.
    pub terms: Terms,
    /// The limit's last grant.
    pub last: Seen,
    /// When asking again makes sense.
    pub wait: Wait,
    /// When the largest need is free that was asked about, if nothing was granted.
    pub largest_clears_at: BootTime,
    /// Nothing was granted although it is free: it is kept for another, or it is too early for a grant.
    pub is_kept: bool,
    /// What was asked for is larger than a block may be yet: somebody has to see that this is noted, once it is committed.
    pub is_raised: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_an_answer_is_on_its_way_nothing_is_said_to_be_free_before_the_next_ask() {
        let now = BootTime::from_nanos(1_000_000_000);
        let wait = |ask_at: Duration, clears_at: Duration| Wait {
            ask_at: BootTime::from_nanos(0).after(ask_at),
            clears_at: BootTime::from_nanos(0).after(clears_at),
            ..Wait::default()
        };
        let (past, soon, later) = (
            Duration::from_millis(500),
            Duration::from_millis(1_030),
            Duration::from_secs(60),
        );
        assert_eq!(Wait::default().retry_at(now), now.after(PAUSE));
        assert_eq!(wait(past, soon).retry_at(now), now.after(PAUSE));
        assert_eq!(
            wait(past, later).retry_at(now),
            BootTime::from_nanos(0).after(later)
        );
        assert_eq!(
            wait(soon, soon).retry_at(now),
            BootTime::from_nanos(0).after(soon)
        );
    }
}
