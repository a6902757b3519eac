//! What one replica knows of the right to one canary: whether it is worth asking for, in hand, used, or somebody else's.

use std::time::Duration;

use uuid::Uuid;

use super::{Ask, GIVE_WITHIN, SINGLE_LASTS_MAX};
use crate::domain::time::{BootTime, Timestamp};

/// The most rights of unknown fate that are remembered: until one is given, one is added with each ask that is not answered.
const ENDED_MAX: usize = 8;

/// What one replica knows of the right to one canary.
#[derive(Debug, Clone, Default)]
pub struct Seat {
    state: State,
    /// Rights by which no lease is out or will be: the database may have one of them still.
    ended: Vec<Uuid>,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// Nobody has asked.
    #[default]
    Idle,
    /// A lease wants it; it is to be asked for, or has been. Another has it until then at the latest, where one had it before.
    Wanted {
        lasts: Duration,
        ends: Option<BootTime>,
    },
    /// In hand: the next lease is the canary, if it is given by then.
    Held(Held),
    /// The canary is out, given at that time by the database's clock: its lease says so too, which tells it from an older one.
    Out {
        held: Held,
        given: Timestamp,
        until: BootTime,
    },
    /// Somebody else's until then at the latest. It may come back sooner, so it is asked for again.
    Elsewhere { again: BootTime, ends: BootTime },
}

/// A right in hand.
#[derive(Debug, Clone, Copy)]
struct Held {
    right: Uuid,
    lasts: Duration,
    give_by: BootTime,
}

/// What a lease is told that could be the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seating {
    /// It is the canary, and may be reported for so long at most.
    Given(Duration),
    /// The right is asked for: in a moment another may be it.
    Wanted {
        /// This lease is the first to want it: somebody has to ask.
        is_first: bool,
    },
    /// No canary before then, as far as is known.
    Taken(BootTime),
}

impl Seat {
    /// A lease could be the canary at `now`, which is `given` by the database's clock, and be reported for `lasts`.
    pub fn take(&mut self, lasts: Duration, now: BootTime, given: Timestamp) -> Seating {
        let lasts = lasts.min(SINGLE_LASTS_MAX);
        if let State::Held(held) = self.state
            && now < held.give_by
        {
            let lasts = held.lasts.min(lasts);
            // By this lease, not by the one that asked first.
            let until = held.give_by.after(lasts);
            self.state = State::Out { held, given, until };
            self.ended.clear();
            return Seating::Given(lasts);
        }
        let seating = self.look(now);
        if seating == (Seating::Wanted { is_first: true }) {
            let ends = self.taken(now);
            self.state = State::Wanted { lasts, ends };
        }
        seating
    }

    /// The same, and nothing is taken.
    #[must_use]
    pub fn look(&self, now: BootTime) -> Seating {
        match self.state {
            State::Held(held) if now < held.give_by => Seating::Given(held.lasts),
            State::Wanted { .. } | State::Held(_) => Seating::Wanted { is_first: false },
            State::Out { until, .. } if now < until => Seating::Taken(until),
            State::Elsewhere { again, ends } if now < again => Seating::Taken(ends),
            State::Idle | State::Out { .. } | State::Elsewhere { .. } => {
                Seating::Wanted { is_first: true }
            }
        }
    }

    /// Until when at the latest another lease is the canary, as far as is known: also while it is worth asking whether it is back.
    #[must_use]
    pub fn taken(&self, now: BootTime) -> Option<BootTime> {
        let until = match self.state {
            State::Out { until, .. } => until,
            State::Elsewhere { ends, .. } => ends,
            State::Wanted { ends, .. } => ends?,
            State::Idle | State::Held(_) => return None,
        };
        (now < until).then_some(until)
    }

    /// What is to be asked for, by this name; `None` if nobody wants it any more.
    pub fn asking(&mut self, boot_id: Uuid, right: Uuid) -> Option<Ask> {
        let State::Wanted { lasts, .. } = self.state else {
            return None;
        };
        let ended = self.ended.clone();
        if self.ended.len() >= ENDED_MAX {
            self.ended.remove(0);
        }
        self.ended.push(right);
        Some(Ask {
            boot_id,
            right,
            lasts,
            ended,
        })
    }

    /// The right is this replica's, asked for at `sent`. Answers until when it may be given, unless nobody wants it any more.
    pub fn given(&mut self, ask: &Ask, sent: BootTime) -> Option<BootTime> {
        let State::Wanted { .. } = self.state else {
            return None;
        };
        let give_by = sent.after(GIVE_WITHIN);
        self.state = State::Held(Held {
            right: ask.right,
            lasts: ask.lasts,
            give_by,
        });
        Some(give_by)
    }

    /// It is not to be had, and is worth asking for `again`. Where nobody could say when it `ends`, that is what was known before.
    pub fn refused(&mut self, again: BootTime, ends: Option<BootTime>) {
        if let State::Wanted { ends: known, .. } = self.state {
            let ends = ends.or(known).unwrap_or(again).max(again);
            self.state = State::Elsewhere { again, ends };
        }
    }

    /// The canary was not given after all: the next lease may be it. Once the time for giving is over the right goes back with the next
    /// ask: nobody waits for its end any more.
    pub fn recall(&mut self, now: BootTime) {
        if let State::Out { held, .. } = self.state {
            self.state = match now < held.give_by {
                true => State::Held(held),
                false => State::Idle,
            };
            self.ended.push(held.right);
        }
    }

    /// The time for giving is over. Answers the right, if it was not used: it goes back.
    pub fn lapse(&mut self, right: Uuid) -> Option<Uuid> {
        let State::Held(held) = self.state else {
            return None;
        };
        if held.right != right {
            return None;
        }
        self.state = State::Idle;
        Some(right)
    }

    /// The canary that was given then goes on until then.
    pub fn prolong(&mut self, given: Timestamp, until: BootTime) {
        if let State::Out {
            given: out,
            until: ends,
            ..
        } = &mut self.state
            && *out == given
        {
            *ends = until.max(*ends);
        }
    }

    /// The right by which the canary that is out was given, if it was given then.
    #[must_use]
    pub fn out(&self, given: Timestamp) -> Option<Uuid> {
        match self.state {
            State::Out {
                held, given: out, ..
            } if out == given => Some(held.right),
            State::Out { .. }
            | State::Idle
            | State::Wanted { .. }
            | State::Held(_)
            | State::Elsewhere { .. } => None,
        }
    }

    /// The canary that was given then came back. Answers its right, which ends; of an older one, that came late or twice, none does. A
    /// lease that asks before the database has heard of it says so itself.
    pub fn returned(&mut self, given: Timestamp) -> Option<Uuid> {
        let State::Out {
            held, given: out, ..
        } = self.state
        else {
            return None;
        };
        if out != given {
            return None;
        }
        self.state = State::Idle;
        self.ended.push(held.right);
        Some(held.right)
    }

    /// What was found dead is in another state now: whoever has a canary out, its outcome is known. A right in hand is left to lapse.
    pub const fn settle(&mut self) {
        match &mut self.state {
            State::Out { .. } | State::Elsewhere { .. } => self.state = State::Idle,
            State::Wanted { ends, .. } => *ends = None,
            State::Idle | State::Held(_) => {}
        }
    }
}
