//! What one caller alone says of a budget: how far it is believed, what makes it more than a word, and who finds out.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::backoff::Backoff;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::time::Timestamp;

/// Ends that differ by less are told of the same budget.
const SAME: Duration = Duration::from_mins(1);

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
    /// One caller's word where no lease can find out: it lasts no longer than if nothing were stated.
    Brief,
}

impl Weight {
    /// What this makes of the words of the same caller: of a use that was to find out whether it is so, it is as good as another's.
    pub(super) fn tried(self, held: Option<&Cause>) -> Self {
        match self {
            Self::Alleged { given, .. } if held.is_some_and(|held| held.is_trial(given)) => {
                Self::Proven
            }
            Self::Alleged { .. } | Self::Proven | Self::Brief => self,
        }
    }

    /// What the same is worth against a key by itself: no lease finds out there.
    #[must_use]
    pub const fn of_key(self) -> Self {
        match self {
            Self::Proven => Self::Proven,
            Self::Alleged { .. } | Self::Brief => Self::Brief,
        }
    }

    /// Whether it makes more of what one caller alone has said.
    pub(super) fn seconds(self, held: &Cause) -> bool {
        let own = match self {
            Self::Alleged { by, .. } => Some(by),
            Self::Proven | Self::Brief => None,
        };
        held.accuser.is_some() && held.accuser != own
    }
}

impl Cause {
    /// Until when it is more than one caller's word, or believed as one.
    fn believed(&self) -> Timestamp {
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
        if later.accuser.is_none() {
            return later;
        }
        let reached = if earlier.accuser == later.accuser {
            earlier.believed()
        } else {
            earlier.until
        };
        let believed = later.believed().max(reached);
        later.tried = Some(believed);
        if later.until <= believed.after(SAME) {
            (later.accuser, later.tried) = (None, None);
        }
        later
    }
}

/// What is said, and how far by one caller alone. `None` where that one says no more than it has said.
pub(super) fn said(
    weight: Weight,
    class: FailureClass,
    until: Timestamp,
    why: &str,
    (held, now): (Option<&Cause>, Timestamp),
) -> Option<Cause> {
    let said = Cause {
        until,
        why: why.to_owned(),
        class,
        accuser: None,
        tried: None,
    };
    let Weight::Alleged { by, quarantine, .. } = weight else {
        return Some(said);
    };
    let own = held.filter(|held| held.accuser == Some(by));
    if own.is_some_and(|own| until <= own.until) {
        return None;
    }
    let believed = now.after(Backoff::of(class).believed(until.since(now), quarantine));
    if own.is_none() && until <= believed {
        return Some(said);
    }
    let tried = own.and_then(|own| own.tried).unwrap_or(believed);
    Some(Cause {
        accuser: Some(by),
        tried: Some(tried),
        ..said
    })
}

#[cfg(test)]
mod tests;
