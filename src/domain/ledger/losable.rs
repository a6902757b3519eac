//! What a failover may lose of a limit of a long window together with everybody who knows of it: little enough to be charged for unseen.

use std::time::Duration;

use super::clock::SAMPLE_GAP_MAX;
use super::entry::{Entry, LONG_PERIOD, long_period_units_max};
use super::grant::Ask;
use super::held_back::HeldBack;
use crate::domain::time::Timestamp;

/// What the database may lose, as who asks it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losable {
    /// What was committed as long ago as this is not lost; zero where nothing ever is.
    pub within: Duration,
    /// For how long it may still be lost that who asks is there at all.
    pub newcomer_for: Duration,
}

impl Losable {
    /// How far back to look at the clock for whatever may be lost, and for the period of newcomers.
    #[must_use]
    pub fn reach(&self) -> Duration {
        self.within.max(LONG_PERIOD)
    }
}

/// What the row of a limit keeps of what a failover may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lately {
    /// What newcomers were granted.
    pub newcomers: Option<Newcomers>,
    /// A need that was larger than a block may be.
    pub raise: Option<Raise>,
}

/// What replicas whose coming may be lost were granted together, in the [`LONG_PERIOD`] since then: no more than one other replica. After
/// a failover nobody knows how many of them there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newcomers {
    /// By the higher clock.
    pub since: Timestamp,
    /// Units.
    pub units: u64,
}

/// So large a block may be granted once this cannot be lost: a database that has lost the block then knows how large it may have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raise {
    /// Units: a share, doubled until the need fits, so that needs that grow raise it a few times and no more.
    pub units: u64,
    /// When it was seen to be committed, by the higher clock. Whoever raises does not know when that will be.
    pub since: Option<Timestamp>,
}

/// One limit of a long window in a transaction, while the database may lose what it is granted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) losable: Losable,
    /// N.
    pub(super) amount: u64,
    /// The most that the time can be, by what was seen of the clock of late: see [`Believed`](super::clock::Believed).
    pub(super) recent: Timestamp,
    /// The database's clock.
    pub(super) now: Timestamp,
}

/// What is seen of the clock lately is put ahead by so much, so that answers which take long do not hold it back: whatever is known by it is
/// known for as much longer. In so long, too, whoever has raised has seen it committed, mostly.
pub const LEAD: Duration = Duration::from_millis(500);

impl Lately {
    /// Nothing of it is a matter of time.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.newcomers.is_none() && self.raise.is_none()
    }

    /// It was raised in this transaction.
    pub(super) fn is_raised_now(&self) -> bool {
        self.raise.is_some_and(|raise| raise.since.is_none())
    }
}

impl Newcomers {
    fn ends(self) -> Timestamp {
        self.since.after(LONG_PERIOD + LEAD)
    }
}

impl Bounds {
    const fn share(&self) -> u64 {
        long_period_units_max(self.amount)
    }

    const fn is_newcomer(&self) -> bool {
        !self.losable.newcomer_for.is_zero()
    }

    /// When a raise may be used that was seen to be committed then.
    fn ripe_at(&self, since: Timestamp) -> Timestamp {
        since.after(self.losable.within + LEAD)
    }

    /// How long until then. Whoever asks may not have seen the clock for long enough to know that it is past; it will have soon.
    fn left_until(&self, at: Timestamp) -> Duration {
        let known = self.losable.reach() + SAMPLE_GAP_MAX;
        let caught_up = at.since(self.now).max(known);
        // Whoever is asked then may have had slower answers.
        at.since(self.recent).min(caught_up) + LEAD
    }

    /// The first doubling of a share that holds so much, but no more than N.
    fn step(&self, need: u64) -> u64 {
        let doublings = need.div_ceil(self.share()).next_power_of_two();
        self.share().saturating_mul(doublings).min(self.amount)
    }
}

impl Entry {
    /// A raise that was found in the row is committed: what nobody can lose any more holds for ever. What newcomers were granted counts for
    /// its period.
    pub(super) fn age(&mut self, bounds: &Bounds) {
        self.lately.newcomers = self.newcomers_now(bounds);
        let Some(raise) = &mut self.lately.raise else {
            return;
        };
        let since = *raise.since.get_or_insert(self.clocks.high);
        if bounds.ripe_at(since) <= bounds.recent {
            self.block_units_max = self.block_units_max.max(raise.units);
            self.lately.raise = None;
        }
    }

    /// As much of an ask as may be lost; `None` if that is less than it needs, which is held back. What there is no room for, beside what is
    /// `charged`, is refused for that, and raises nothing: it would only be charged for in a failover.
    pub(super) fn bounded(&mut self, ask: Ask, charged: u64, bounds: &Bounds) -> Option<Ask> {
        let largest = self.largest(bounds);
        if bounds.amount < charged.saturating_add(ask.need) {
            return Some(ask);
        }
        if largest < ask.need {
            self.raise(ask.need, bounds);
            return None;
        }
        let most = match bounds.is_newcomer() {
            true => self.left_to_newcomers(bounds),
            false => largest,
        };
        (ask.need <= most).then(|| Ask {
            want: ask.want.min(most),
            lacking: ask.lacking.min(most),
            ..ask
        })
    }

    /// So much was granted of what was bounded.
    pub(super) fn grant_bounded(&mut self, units: u64, bounds: &Bounds) {
        if units == 0 || !bounds.is_newcomer() {
            return;
        }
        let begun = self.newcomers_now(bounds).unwrap_or(Newcomers {
            since: self.clocks.high,
            units: 0,
        });
        self.lately.newcomers = Some(Newcomers {
            units: begun.units.saturating_add(units),
            ..begun
        });
    }

    /// For how long a need is held back that there is room for.
    pub(super) fn holds_back(&self, need: u64, bounds: &Bounds) -> Option<HeldBack> {
        let Losable {
            within,
            newcomer_for,
        } = bounds.losable;
        let raised = (self.largest(bounds) < need).then(|| {
            let anew = within + LEAD * 2;
            let Some(raise) = self.lately.raise else {
                return HeldBack::of(anew);
            };
            let ripe = raise.since.map(|since| bounds.ripe_at(since));
            let ripe = ripe.map_or(anew, |at| bounds.left_until(at));
            HeldBack {
                ask: ripe,
                clear: if raise.units < need {
                    ripe + anew
                } else {
                    ripe
                },
            }
        });
        let is_early = bounds.is_newcomer() && self.left_to_newcomers(bounds) < need;
        let early = is_early.then(|| {
            let next = self.newcomers_now(bounds);
            let next = next.filter(|_| need <= bounds.share());
            let next = next.map(|begun| bounds.left_until(begun.ends()));
            HeldBack::of(next.map_or(newcomer_for, |next| next.min(newcomer_for)))
        });
        match (raised, early) {
            (Some(raised), Some(early)) => Some(raised.and(early)),
            (raised, early) => raised.or(early),
        }
    }

    /// The largest block that may have been granted and lost.
    pub(super) fn largest_lost(&self, amount: u64) -> u64 {
        let raised = self.lately.raise.map_or(0, |raise| raise.units);
        let granted = self.block_units_max.max(raised);
        long_period_units_max(amount).max(granted)
    }

    /// The largest block that may be granted.
    fn largest(&self, bounds: &Bounds) -> u64 {
        bounds.share().max(self.block_units_max)
    }

    /// One at a time: what is larger still is raised to when that is done.
    fn raise(&mut self, need: u64, bounds: &Bounds) {
        self.lately.raise.get_or_insert(Raise {
            units: bounds.step(need),
            since: None,
        });
    }

    fn left_to_newcomers(&self, bounds: &Bounds) -> u64 {
        let begun = self.newcomers_now(bounds).map_or(0, |begun| begun.units);
        bounds.share().saturating_sub(begun)
    }

    fn newcomers_now(&self, bounds: &Bounds) -> Option<Newcomers> {
        let begun = self.lately.newcomers;
        begun.filter(|begun| bounds.recent < begun.ends())
    }
}

#[cfg(test)]
#[path = "losable_tests.rs"]
mod tests;
