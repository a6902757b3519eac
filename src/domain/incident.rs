//! What befalls many keys at once and is no key's fault: a provider that fails, a way out that is barred, a pool whose keys die together.

use std::fmt;

use uuid::Uuid;

use super::id::Id;
use super::time::Timestamp;

/// The most callers that are remembered as having reported it: enough to tell one from several, and bounded whatever is reported.
pub const ACCUSERS_MAX: usize = 16;

/// What kind of thing befell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IncidentKind {
    /// A provider fails for several: no lease is given for it, but one trial at a time.
    Breaker,
    /// A provider refuses where we come from: no key is to blame, and leases go on.
    Egress,
    /// The keys of a pool die together: none dies for as long as it would alone.
    Brake,
}

impl IncidentKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Breaker, Self::Egress, Self::Brake];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Egress => "egress",
            Self::Brake => "brake",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One incident, as the fleet knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself; of a breaker, when the next trial may go out.
    pub until: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// In our own words.
    pub why: String,
    /// How often in a row: each makes it longer.
    pub strikes: u32,
    /// The callers whose reports speak of it.
    pub accusers: Vec<Uuid>,
}

impl Incident {
    /// It has not ended; whether its time is over, each kind says for itself.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether it holds at `now` and ends by itself.
    #[must_use]
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.is_open() && now < self.until
    }

    /// One caller alone speaks of it.
    #[must_use]
    pub const fn is_alleged(&self) -> bool {
        self.accusers.len() == 1
    }

    /// Whether this comes after what somebody says of it, who may have read that earlier.
    #[must_use]
    pub fn is_after(&self, told: &Self) -> bool {
        let began_later = self.is_open() && told.since < self.since;
        let ended_since = !self.is_open() && told.is_open() && told.since <= self.since;
        ended_since || (began_later && !told.is_open())
    }

    /// Somebody says this to who holds that: what comes after it stands, else both are merged. Answers whether anything was taken up.
    pub fn told_to(&self, held: &mut Option<Self>) -> bool {
        let is_taken_up = !held.as_ref().is_some_and(|held| held.is_after(self));
        if is_taken_up {
            *held = Some(self.clone().merged(held.as_ref()));
        }
        is_taken_up
    }

    /// A caller speaks of it too; of too many, the last ones are remembered.
    pub fn accuse(&mut self, caller: Uuid) {
        if self.accusers.contains(&caller) {
            return;
        }
        if self.accusers.len() >= ACCUSERS_MAX {
            self.accusers.remove(0);
        }
        self.accusers.push(caller);
    }

    /// The same of several.
    pub fn accuse_all(&mut self, callers: impl IntoIterator<Item = Uuid>) {
        callers.into_iter().for_each(|caller| self.accuse(caller));
    }

    /// What two replicas say of the same: while both say that it is open, the earlier beginning, the later end, and all who speak of it;
    /// else what is said last.
    #[must_use]
    pub fn merged(self, stored: Option<&Self>) -> Self {
        let Some(stored) = stored.filter(|stored| stored.is_open() && self.is_open()) else {
            return self;
        };
        let mut merged = self;
        for caller in &stored.accusers {
            merged.accuse(*caller);
        }
        merged.since = merged.since.min(stored.since);
        merged.strikes = merged.strikes.max(stored.strikes);
        if stored.until > merged.until {
            merged.until = stored.until;
            merged.why.clone_from(&stored.why);
        }
        merged
    }
}

/// An incident that holds, as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ongoing {
    /// What kind.
    pub kind: IncidentKind,
    /// What it befell.
    pub subject: Subject,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself; of a breaker, when the next trial may go out.
    pub until: Timestamp,
    /// In our own words.
    pub why: String,
    /// How often in a row.
    pub strikes: u32,
}

/// What an incident befell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A provider, or our way to it.
    Provider {
        /// How it is spoken to.
        profile: &'static str,
        /// With its port, where that is not the scheme's own.
        host: String,
    },
    /// A pool, by its id.
    Pool(Id),
}

impl Ongoing {
    /// An incident of this subject.
    #[must_use]
    pub fn of(kind: IncidentKind, subject: Subject, incident: Incident) -> Self {
        Self {
            kind,
            subject,
            since: incident.since,
            until: incident.until,
            why: incident.why,
            strikes: incident.strikes,
        }
    }
}

/// As a resource name: `providers/api.openai.com`, which health can be cleared by, or `pools/p`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider { host, .. } => write!(f, "providers/{host}"),
            Self::Pool(id) => write!(f, "pools/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(until: i64, caller: u128) -> Incident {
        Incident {
            since: Timestamp::from_micros(until - 5),
            until: Timestamp::from_micros(until),
            ended: None,
            why: format!("until {until}"),
            strikes: 1,
            accusers: vec![Uuid::from_u128(caller)],
        }
    }

    #[test]
    fn what_two_replicas_say_of_the_same_is_one_incident() {
        let merged = incident(10, 1).merged(Some(&incident(20, 2)));
        assert_eq!((merged.since.micros(), merged.until.micros()), (5, 20));
        assert_eq!(merged.why, "until 20");
        assert!(!merged.is_alleged());
    }

    #[test]
    fn what_has_ended_adds_nothing_to_what_begins() {
        let ended = Incident {
            ended: Some(Timestamp::from_micros(21)),
            ..incident(20, 2)
        };
        let new = incident(30, 1);
        assert_eq!(new.clone().merged(Some(&ended)), new);
        assert_eq!(ended.clone().merged(Some(&new)), ended);
    }

    #[test]
    fn a_crowd_of_accusers_fills_no_memory() {
        let mut incident = incident(10, 0);
        (0..1_000).for_each(|caller| incident.accuse(Uuid::from_u128(caller)));
        assert_eq!(incident.accusers.len(), ACCUSERS_MAX);
        assert_eq!(incident.accusers.last(), Some(&Uuid::from_u128(999)));
    }
}
