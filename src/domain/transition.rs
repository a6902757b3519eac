//! A change of a version's health on its way to the fleet: who says so, and what becomes of what others have said meanwhile.

use std::time::Duration;

use uuid::Uuid;

use super::health::{Cause, Health};
use super::time::Timestamp;

/// A change of a version's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// What it is from now on.
    pub to: Health,
    /// Who says so.
    pub who: Who,
    /// How long it is out where this word confirms another's.
    pub confirmed_ttl: Duration,
}

/// Who says how a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A caller, by a report on a lease.
    Caller(Uuid),
    /// A caller, by a report on the canary.
    Canary(Uuid),
    /// A probe.
    Probe,
}

impl Who {
    /// The caller who says it, if one does.
    #[must_use]
    pub const fn caller(self) -> Option<Uuid> {
        match self {
            Self::Caller(uid) | Self::Canary(uid) => Some(uid),
            Self::Probe => None,
        }
    }

    /// Why a version is well by its word, as the history of that has it.
    #[must_use]
    pub const fn why_well(self) -> &'static str {
        match self {
            Self::Caller(_) => "a use of it succeeded",
            Self::Canary(_) => "its canary succeeded",
            Self::Probe => "a probe succeeded",
        }
    }
}

impl Transition {
    /// Whether only the judgement on the canary itself may commit it: that looks whether its right holds still, and ends it. A report on
    /// any other lease would bring the version back while another canary may be out.
    #[must_use]
    pub fn needs_right(&self) -> bool {
        self.to == Health::Active && matches!(self.who, Who::Canary(_))
    }

    /// What becomes of a version that is stored like this; `None` if that stands. A worse or longer verdict stands, an unconfirmed one
    /// gives way to one that is confirmed, and two callers confirm each other. A version is well again only once its time is over, and
    /// no cooldown ends a death: that of a budget puts its canary off.
    #[must_use]
    pub fn onto(&self, stored: &Health, now: Timestamp) -> Option<Health> {
        let to = self.to.clone();
        let is_over = |cause: &Cause| cause.until <= now;
        match (stored, &self.to) {
            (Health::Active, Health::Active) => None,
            // What one caller alone says of a budget a single lease refutes before its time.
            (Health::Cooling(held), Health::Active) => {
                (is_over(held) || held.accuser.is_some()).then_some(to)
            }
            (Health::Dead(held), Health::Active) => is_over(held).then_some(to),
            (Health::Active, Health::Cooling(_) | Health::Dead(_))
            | (Health::Cooling(_), Health::Dead(_)) => Some(to),
            (Health::Cooling(held), Health::Cooling(new)) => {
                if is_over(held) {
                    return Some(to);
                }
                new.onto(held).map(Health::Cooling)
            }
            // No canary finds more than that the budget is spent: it waits.
            (Health::Dead(held), Health::Cooling(new)) if new.is_budget() => {
                (held.until < new.believed()).then(|| Health::Dead(held.held_out(new)))
            }
            // What two callers say of its failures, or a canary: a cooldown.
            (Health::Dead(held), Health::Cooling(new)) => {
                (held.is_row() && held.until < new.until).then_some(to)
            }
            (Health::Dead(held), Health::Dead(new)) => self.deadlier(held, new, now),
        }
    }

    fn deadlier(&self, held: &Cause, new: &Cause, now: Timestamp) -> Option<Health> {
        let lasts = held.until > now;
        // What was found well has served its time.
        if new.until <= now {
            return lasts.then(|| self.to.clone());
        }
        match (held.accuser, new.accuser) {
            (Some(first), Some(second))
                if lasts && first != second && held.is_row() == new.is_row() =>
            {
                Some(self.confirmed(new, now))
            }
            // That it is no good is worse than that it fails.
            (Some(_), Some(_)) if held.is_row() && !new.is_row() => Some(self.to.clone()),
            (Some(_), None) => Some(self.to.clone()),
            (None, Some(_)) if lasts => None,
            (Some(_) | None, _) => (held.until < new.until).then(|| self.to.clone()),
        }
    }

    fn confirmed(&self, new: &Cause, now: Timestamp) -> Health {
        let cause = Cause {
            until: now.after(self.confirmed_ttl),
            accuser: None,
            tried: None,
            ..new.clone()
        };
        if new.is_row() {
            Health::Cooling(cause)
        } else {
            Health::Dead(cause)
        }
    }
}

#[cfg(test)]
mod tests;
