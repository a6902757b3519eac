//! What one caller alone says of a budget: how far it is believed, what makes it more than a word, and who finds out.

use std::time::Duration;

use uuid::Uuid;

use super::Cooling;
use crate::domain::backoff::Backoff;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::time::Timestamp;

/// A word that comes so long after the end of what was said before is a new one.
const NEW_AFTER: Duration = Duration::from_mins(5);
/// Ends that differ by less are told of the same budget.
const SAME: Duration = Duration::from_mins(1);

/// Whose word is wrong where whoever said so has found out by itself, or is excused; and whose alone that an account is still closed.
pub(super) const NOBODY: Uuid = Uuid::nil();

/// What it is worth when somebody says that a budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A probe says so, or a caller whom its pool trusts.
    Proven,
    /// One caller's word, of a use whose lease was given then. It is believed at once, and after a while a single lease finds out.
    Alleged {
        /// Whose it is.
        by: Uuid,
        /// When the lease was given.
        given: Timestamp,
        /// How long a long one is believed.
        quarantine: Duration,
    },
    /// That an account is closed, which is proven by a use of a lease that was given then. When its time is over, single leases find out
    /// whether it is still.
    Closed {
        /// When the lease was given.
        given: Timestamp,
    },
}

impl Weight {
    /// What this makes of the words of the same caller: of a use that was to find out whether it is so, it is as good as another's.
    pub(super) fn tried(self, held: Option<&Cause>) -> Self {
        match self {
            Self::Alleged { given, .. } if held.is_some_and(|held| held.is_trial(given)) => {
                Self::Proven
            }
            Self::Alleged { .. } | Self::Proven | Self::Closed { .. } => self,
        }
    }

    /// The same of what was worked out from what one caller said, such as an estimate that does not fit: it is tried as that caller's word
    /// would be, but where it is not so nobody was wrong.
    #[must_use]
    pub const fn inferred(self) -> Self {
        match self {
            Self::Alleged {
                given, quarantine, ..
            } => Self::Alleged {
                by: NOBODY,
                given,
                quarantine,
            },
            Self::Proven | Self::Closed { .. } => self,
        }
    }

    /// Whether it makes more of what one caller alone has said.
    pub(super) fn seconds(self, held: &Cause) -> bool {
        let own = match self {
            Self::Alleged { by, .. } => Some(by),
            Self::Closed { .. } => Some(NOBODY),
            Self::Proven => None,
        };
        held.accuser.is_some() && held.accuser != own
    }
}

/// A caller that alone has spoken of something since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alone {
    by: Uuid,
    since: Timestamp,
}

impl Cooling {
    /// Since when the one who speaks now has been alone in speaking of this, and whether it goes on from what it has said: what it is
    /// believed is measured from its first word, or each would prolong the one before without end.
    pub(super) fn alone(&mut self, weight: Weight, now: Timestamp) -> (Timestamp, bool) {
        let by = match weight {
            Weight::Alleged { by, .. } => by,
            Weight::Proven | Weight::Closed { .. } => {
                self.alone = None;
                return (now, false);
            }
        };
        let is_new = |cause: &Cause| cause.until.after(NEW_AFTER) <= now;
        let is_over = self.cause.as_ref().is_none_or(is_new);
        if let Some(alone) = self.alone.filter(|alone| alone.by == by && !is_over) {
            return (alone.since, true);
        }
        self.alone = Some(Alone { by, since: now });
        (now, false)
    }

    /// The fleet says so, and nothing else is known of it.
    pub fn told_anew(&mut self, cause: Cause) {
        (self.cause, self.told_until) = (None, None);
        self.told(cause);
    }

    /// A use of a lease that was given then succeeded: where it was to find out, it has. Answers what is over, and whose word is wrong by
    /// that, unless it is one of these: nobody refutes itself, since the budget may have come back meanwhile.
    pub fn refute(
        &mut self,
        excused: [Option<Uuid>; 2],
        given: Timestamp,
        now: Timestamp,
    ) -> Option<Cause> {
        let held = self.holds(now).filter(|held| held.is_trial(given))?.clone();
        self.clear();
        self.refuted_until = Some(held.until);
        let wrong = |by: Uuid| {
            if excused.contains(&Some(by)) {
                NOBODY
            } else {
                by
            }
        };
        Some(Cause {
            until: now,
            accuser: held.accuser.map(wrong),
            tried: Some(now),
            ..held
        })
    }
}

impl Cause {
    /// What one caller says beside what it said before, as far as it goes beyond that: tried, however little that is.
    pub(super) fn prolonging(&self, held: &Self) -> Self {
        if self.accuser.is_none() || held.accuser.is_some() || self.until <= held.until {
            return held.clone().joined(self);
        }
        Self {
            tried: self.tried.max(Some(held.until)),
            ..self.clone()
        }
    }

    /// What this makes of a cooldown that holds; `None` where it adds nothing.
    #[must_use]
    pub fn onto(&self, held: &Self) -> Option<Self> {
        let joined = held.clone().joined(self);
        let is_news =
            (joined.until, joined.accuser, joined.tried) != (held.until, held.accuser, held.tried);
        is_news.then_some(joined)
    }

    /// Until when it is more than one caller's word, or believed as one.
    #[must_use]
    pub fn believed(&self) -> Timestamp {
        self.tried.unwrap_or(self.until)
    }

    /// Whether a use of a lease that was given then finds out: nothing else is leased meanwhile.
    pub(super) fn is_trial(&self, given: Timestamp) -> bool {
        self.accuser.is_some() && self.tried.is_some_and(|tried| given >= tried)
    }

    /// Two cooldowns of one thing: the later end counts, and so far as two say it, it is no more one caller's word.
    #[must_use]
    pub fn joined(self, other: &Self) -> Self {
        let (mut later, earlier) = if other.until > self.until {
            (other.clone(), &self)
        } else {
            (self.clone(), other)
        };
        if later.class == earlier.class {
            later.strikes = later.strikes.max(earlier.strikes);
        }
        if later.accuser.is_none() {
            return later;
        }
        // What one says twice is no more true for being the same.
        let (reached, same) = if earlier.accuser == later.accuser {
            (earlier.believed(), Duration::ZERO)
        } else {
            (earlier.until, SAME)
        };
        let believed = later.believed().max(reached);
        later.tried = Some(believed);
        if later.until <= believed.after(same) {
            (later.accuser, later.tried) = (None, None);
        }
        later
    }
}

/// What is said, and how far by one caller alone, which has been speaking of it since then. `None` where it says no more than it has said.
pub(super) fn said(
    weight: Weight,
    class: FailureClass,
    until: Timestamp,
    why: &str,
    (held, since, now): (Option<&Cause>, Timestamp, Timestamp),
) -> Option<Cause> {
    let said = Cause::new(until, class, why.to_owned());
    let (by, quarantine) = match weight {
        Weight::Alleged { by, quarantine, .. } => (by, quarantine),
        Weight::Closed { .. } => return Some(said.closed()),
        Weight::Proven => return Some(said),
    };
    let own = held.filter(|held| held.accuser == Some(by));
    if own.is_some_and(|own| until <= own.until) {
        return None;
    }
    let believed = since.after(Backoff::of(class).believed(until.since(now), quarantine));
    if own.is_none() && until <= believed {
        return Some(said);
    }
    // Only a lease that is given from now on finds out.
    let tried = own.and_then(|own| own.tried);
    let tried = tried.unwrap_or_else(|| believed.max(now));
    Some(Cause {
        accuser: Some(by),
        tried: Some(tried),
        ..said
    })
}

#[cfg(test)]
mod tests;
