//! Whether our way to one provider is barred: countries, firewalls and address lists are about where we come from, never about a key.
//!
//! Leases go on meanwhile. Callers reach a provider by ways of their own, so what bars one of them may bar nobody else; and a lease that is
//! withheld would tell nobody when the way is free again. So it is marked and told, and no key is blamed.

use std::time::Duration;

use uuid::Uuid;

use super::breaker::Sight;
use super::incident::{ACCUSERS_MAX, Incident};
use super::time::Timestamp;

/// Refusals within this time are one matter.
const WINDOW: Duration = Duration::from_mins(1);
/// Keys that must meet it: what one alone meets may be a list of that key's own project.
const KEYS_MIN: usize = 2;
/// Refusals that must have come: two may be a coincidence.
const REFUSALS_MIN: usize = 3;
/// The same where no other key is in use: nobody could tell a list of the key's own project from one of the way.
const REFUSALS_ALONE_MIN: usize = 6;
/// The last refusals that are remembered: more than make a suspicion.
const REFUSALS_MAX: usize = 8;
/// How long after the last refusal it is over by itself.
const SUSPECTED_FOR: Duration = Duration::from_mins(5);
/// How long a refusal must be past for a success to end it: a way that is throttled lets some through.
const QUIET: Duration = Duration::from_secs(30);
/// An end that moves by less is no news for the fleet.
const NEWS_MIN: Duration = Duration::from_mins(1);

/// Refusals of one key without a success of its own, while other keys succeed: then it is the key that cannot be used from here.
const BARRED_MIN: u32 = 6;
/// How long after the last one that is over by itself.
const BARRED_FOR: Duration = Duration::from_hours(1);
/// The keys whose refusals are counted; the one that was refused longest ago makes room.
const BARRED_MAX: usize = 64;

/// The refusals of one key since it last succeeded.
#[derive(Debug)]
struct Barred {
    version: Uuid,
    refusals: u32,
    last: Timestamp,
    /// Another key has succeeded since the first of them.
    is_alone: bool,
}

/// What one replica knows of our way to one provider.
#[derive(Debug, Default)]
pub struct Egress {
    /// The last refusals, the newest last.
    refusals: Vec<(Sight, Timestamp)>,
    barred: Vec<Barred>,
    /// Of the provider's keys one alone is in use.
    is_alone: bool,
    incident: Option<Incident>,
}

/// What happens on the way to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// It did what was asked.
    Succeeded(Sight),
    /// It refuses where we come from.
    Refused {
        /// Where.
        sight: Sight,
        /// In our own words.
        why: &'a str,
    },
    /// The fleet says how it is.
    Told(&'a Incident),
    /// A person says that it is well.
    Cleared,
}

impl Egress {
    /// The suspicion, while it holds.
    #[must_use]
    pub fn suspicion(&self, now: Timestamp) -> Option<&Incident> {
        self.incident.as_ref().filter(|i| i.lasts(now))
    }

    /// Whether what this caller meets may be the way's doing.
    #[must_use]
    pub fn is_suspected(&self, caller: Uuid, now: Timestamp) -> bool {
        let suspicion = self.suspicion(now);
        suspicion.is_some_and(|i| i.accusers.contains(&caller))
    }

    /// Whether this key alone cannot be used from where we are: an allow list of its project, as a rule.
    #[must_use]
    pub fn is_barred(&self, version: Uuid, now: Timestamp) -> bool {
        let is_it = |barred: &&Barred| barred.version == version;
        self.barred.iter().find(is_it).is_some_and(|barred| {
            let is_recent = now.since(barred.last) < BARRED_FOR;
            barred.refusals >= BARRED_MIN && barred.is_alone && is_recent
        })
    }

    fn count(&mut self, version: Uuid, now: Timestamp) {
        let known = self.barred.iter().position(|b| b.version == version);
        let mut barred = known.map_or(
            Barred {
                version,
                refusals: 0,
                last: now,
                is_alone: false,
            },
            |place| self.barred.remove(place),
        );
        barred.refusals = barred.refusals.saturating_add(1);
        barred.last = now;
        if self.barred.len() >= BARRED_MAX {
            self.barred.remove(0);
        }
        self.barred.push(barred);
    }

    /// Whether of the provider's keys one alone is in use, so that no other can meet it.
    pub const fn used(&mut self, is_alone: bool) {
        self.is_alone = is_alone;
    }

    /// Moves on. `Some` is what the fleet must know.
    pub fn on(&mut self, event: Event<'_>, now: Timestamp) -> Option<Incident> {
        match event {
            Event::Succeeded(sight) => {
                self.barred.retain(|barred| barred.version != sight.version);
                let others = self.barred.iter_mut();
                others.for_each(|barred| barred.is_alone = true);
                self.succeeded(sight, now)
            }
            Event::Refused { sight, why } => {
                self.count(sight.version, now);
                self.refused(sight, why, now)
            }
            Event::Told(incident) => {
                incident.told_to(&mut self.incident);
                None
            }
            Event::Cleared => {
                *self = Self::default();
                None
            }
        }
    }

    /// A success of one who was refused, once no refusal has come for a while: its way is free again.
    fn succeeded(&mut self, sight: Sight, now: Timestamp) -> Option<Incident> {
        if !self.is_suspected(sight.caller, now) {
            return None;
        }
        let last = self.refusals.last();
        if last.is_some_and(|(_, at)| now.since(*at) < QUIET || sight.given < *at) {
            return None;
        }
        let incident = self.incident.as_mut()?;
        incident.ended = Some(now);
        self.refusals.clear();
        Some(incident.clone())
    }

    fn refused(&mut self, sight: Sight, why: &str, now: Timestamp) -> Option<Incident> {
        if self.refusals.len() >= REFUSALS_MAX {
            self.refusals.remove(0);
        }
        self.refusals.push((sight, now));
        self.refusals.retain(|(_, at)| now.since(*at) < WINDOW);
        let is_first = |place: &usize| {
            let version = self.refusals[*place].0.version;
            !self.refusals[..*place]
                .iter()
                .any(|(s, _)| s.version == version)
        };
        let keys = (0..self.refusals.len()).filter(is_first).count();
        let refusals = self.refusals.len();
        let are_several = keys >= KEYS_MIN && refusals >= REFUSALS_MIN;
        let is_often = self.is_alone && refusals >= REFUSALS_ALONE_MIN;
        if !(are_several || is_often) {
            return None;
        }
        self.suspect(keys, why, now)
    }

    fn suspect(&mut self, keys: usize, why: &str, now: Timestamp) -> Option<Incident> {
        let until = now.after(SUSPECTED_FOR);
        let lasting = self.suspicion(now).cloned();
        let mut suspicion = lasting.clone().unwrap_or_else(|| Incident {
            since: now,
            until,
            ended: None,
            why: match keys {
                1 => format!("{why}; the one key in use met it again and again"),
                _ => format!("{why}; {keys} keys met it within a minute"),
            },
            strikes: 1,
            accusers: Vec::new(),
        });
        let callers = self.refusals.iter().map(|(sight, _)| sight.caller);
        callers.for_each(|caller| suspicion.accuse(caller));
        let held = lasting.as_ref();
        let is_news = held.is_none_or(|held| {
            // Of a crowd each new one pushes out the oldest: were that news, every refusal would be.
            let is_another =
                held.accusers.len() < ACCUSERS_MAX && held.accusers != suspicion.accusers;
            is_another || until.since(held.until) >= NEWS_MIN
        });
        if !is_news {
            if let Some(held) = &mut self.incident {
                held.accusers = suspicion.accusers;
            }
            return None;
        }
        suspicion.until = until;
        self.incident = Some(suspicion.clone());
        Some(suspicion)
    }
}

#[cfg(test)]
mod tests;
