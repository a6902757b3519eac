//! The health of a key version: active, cooling or dead, each with until and why.

use uuid::Uuid;

use super::time::Timestamp;

/// What a failure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureClass {
    /// The request is wrong.
    CallerFault,
    /// The key is invalid.
    Credential,
    /// A budget longer than an hour is spent.
    Quota,
    /// A budget of an hour or less is spent.
    RateLimit,
    /// The provider is overloaded or broken.
    ProviderFault,
    /// No entitlement to the model.
    ModelAccess,
    /// Country, firewall, our own address.
    RegionOrEgress,
    /// No rule explains it.
    Unknown,
}

impl FailureClass {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::CallerFault, "caller_fault"),
        (Self::Credential, "credential"),
        (Self::Quota, "quota"),
        (Self::RateLimit, "rate_limit"),
        (Self::ProviderFault, "provider_fault"),
        (Self::ModelAccess, "model_access"),
        (Self::RegionOrEgress, "region_or_egress"),
        (Self::Unknown, "unknown"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(class, _)| *class == self)
            .map_or("unknown", |(_, name)| name)
    }

    /// From what is stored; `Unknown` for what this release does not know.
    #[must_use]
    pub fn from_stored(name: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, n)| *n == name)
            .map_or(Self::Unknown, |(class, _)| *class)
    }
}

/// How well a version is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// Leases are given.
    #[default]
    Active,
    /// No leases until then; then full traffic.
    Cooling(Cause),
    /// Blacklisted until then; then a single canary lease decides.
    Dead(Cause),
}

/// Until when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// When the state ends by itself.
    pub until: Timestamp,
    /// A few words, scrubbed of key text.
    pub why: String,
    /// What the failure was.
    pub class: FailureClass,
    /// Of a death, or the end of a cooldown, that nobody has confirmed: the caller whose word it is.
    pub accuser: Option<Uuid>,
    /// Of such a cooldown: when a single lease may find out whether it is so.
    pub tried: Option<Timestamp>,
    /// Of a cooldown: how many there were since the last success, by which the next one doubles; 0 where nobody counts.
    pub strikes: u32,
}

/// Between why a version is dead and what its canary waits for.
const THEN: &str = ", and then ";

impl Cause {
    /// Nobody alone spoke of it, and nobody counts how many there were.
    #[must_use]
    pub const fn new(until: Timestamp, class: FailureClass, why: String) -> Self {
        Self {
            until,
            why,
            class,
            accuser: None,
            tried: None,
            strikes: 0,
        }
    }

    /// A cooldown that one caller alone spoke of, and that a lease has found not to be so.
    #[must_use]
    pub fn is_refuted(&self) -> bool {
        self.accuser.is_some() && self.tried.is_some_and(|tried| tried >= self.until)
    }

    /// A budget is spent.
    #[must_use]
    pub const fn is_budget(&self) -> bool {
        matches!(self.class, FailureClass::Quota | FailureClass::RateLimit)
    }

    /// One caller's row of failures, which is not confirmed: a canary decides whether it comes to a cooldown.
    #[must_use]
    pub fn is_row(&self) -> bool {
        self.accuser.is_some()
            && matches!(
                self.class,
                FailureClass::Unknown | FailureClass::ProviderFault
            )
    }

    /// A death whose canary is to wait until this budget is back: so far as it is believed, since a canary finds out as well.
    #[must_use]
    pub fn held_out(&self, budget: &Self) -> Self {
        let first = self.why.split(THEN).next().unwrap_or_default();
        Self {
            until: self.until.max(budget.believed()),
            why: format!("{first}{THEN}{}", budget.why),
            ..self.clone()
        }
    }

    /// Whose word is wrong by that, if anyone's is.
    #[must_use]
    pub fn wrong(&self) -> Option<Uuid> {
        self.accuser.filter(|by| self.is_refuted() && !by.is_nil())
    }
}

impl Health {
    /// The cause, unless active.
    #[must_use]
    pub const fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Active => None,
            Self::Cooling(cause) | Self::Dead(cause) => Some(cause),
        }
    }

    /// How it is at `now`: a cooling that has ended is over; a death that has ended is not, until a canary lease has come back well.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        match self {
            Self::Cooling(cause) if cause.until <= now => Self::Active,
            Self::Active | Self::Cooling(_) | Self::Dead(_) => self.clone(),
        }
    }

    /// Its death is confirmed, and not over: what one caller alone says, or what was so once, is worth a look.
    #[must_use]
    pub fn is_surely_dead(&self, now: Timestamp) -> bool {
        matches!(self, Self::Dead(cause) if cause.accuser.is_none() && now < cause.until)
    }

    /// As stored.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Cooling(_) => "cooling",
            Self::Dead(_) => "dead",
        }
    }

    /// Two verdicts at once: dead beats cooling beats active, and of equals the later end.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let rank = |h: &Self| match h {
            Self::Active => (0, None),
            Self::Cooling(cause) => (1, Some(cause.until)),
            Self::Dead(cause) => (2, Some(cause.until)),
        };
        if rank(&other) > rank(&self) {
            other
        } else {
            self
        }
    }
}
