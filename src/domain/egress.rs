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
/// The last refusals that are remembered: more than make a suspicion.
const REFUSALS_MAX: usize = 8;
/// How long after the last refusal it is over by itself.
const SUSPECTED_FOR: Duration = Duration::from_mins(5);
/// How long a refusal must be past for a success to end it: a way that is throttled lets some through.
const QUIET: Duration = Duration::from_secs(30);
/// An end that moves by less is no news for the fleet.
const NEWS_MIN: Duration = Duration::from_mins(1);

/// What one replica knows of our way to one provider.
#[derive(Debug, Default)]
pub struct Egress {
    /// The last refusals, the newest last.
    refusals: Vec<(Sight, Timestamp)>,
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

    /// Moves on. `Some` is what the fleet must know.
    pub fn on(&mut self, event: Event<'_>, now: Timestamp) -> Option<Incident> {
        match event {
            Event::Succeeded(sight) => self.succeeded(sight, now),
            Event::Refused { sight, why } => self.refused(sight, why, now),
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
        if self.refusals.len() < REFUSALS_MIN || keys < KEYS_MIN {
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
            why: format!("{why}; {keys} keys met it within a minute"),
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
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000 + seconds * 1_000_000)
    }

    fn sight(caller: u128, version: u128, given: i64) -> Sight {
        Sight {
            caller: Uuid::from_u128(caller),
            version: Uuid::from_u128(version),
            given: at(given),
        }
    }

    fn refuse(egress: &mut Egress, caller: u128, version: u128, seconds: i64) -> Option<Incident> {
        let sight = sight(caller, version, seconds);
        let why = "http 403, waf";
        egress.on(Event::Refused { sight, why }, at(seconds))
    }

    fn succeed(egress: &mut Egress, caller: u128, seconds: i64) -> Option<Incident> {
        egress.on(Event::Succeeded(sight(caller, 1, seconds)), at(seconds))
    }

    #[test]
    fn refusals_of_several_keys_within_a_minute_make_a_suspicion() {
        let mut egress = Egress::default();
        for seconds in 0..20 {
            assert_eq!(refuse(&mut egress, 1, 1, seconds), None, "one key alone");
        }
        let news = refuse(&mut egress, 1, 2, 20).unwrap();
        assert_eq!(news.until, at(20 + 300));
        assert!(egress.is_suspected(Uuid::from_u128(1), at(319)));
        assert!(!egress.is_suspected(Uuid::from_u128(2), at(21)));
        assert!(egress.suspicion(at(320)).is_none());
        // A minute apart is no matter of one.
        let mut egress = Egress::default();
        for round in 0..10 {
            assert_eq!(
                refuse(&mut egress, 1, round, i64::try_from(round).unwrap() * 31),
                None
            );
        }
    }

    #[test]
    fn a_throttled_way_stays_suspected_and_a_free_one_does_not() {
        let mut egress = Egress::default();
        let mut news = 0;
        for seconds in 0..600 {
            if seconds % 3 == 0 {
                news += u32::from(refuse(&mut egress, 1, seconds as u128 % 5, seconds).is_some());
            } else {
                assert_eq!(succeed(&mut egress, 1, seconds), None);
            }
            assert!(
                seconds < 9 || egress.suspicion(at(seconds)).is_some(),
                "{seconds}"
            );
        }
        assert!(news <= 11, "{news} commits in ten minutes");
        // Another's success says nothing of a way that is not its own.
        assert_eq!(succeed(&mut egress, 2, 640), None);
        let ended = succeed(&mut egress, 1, 641).unwrap();
        assert_eq!(ended.ended, Some(at(641)));
        assert!(egress.suspicion(at(641)).is_none());
    }

    #[test]
    fn a_crowd_behind_a_barred_way_is_no_crowd_of_commits() {
        let mut egress = Egress::default();
        let refusals = (0..600_i64).filter_map(|n| refuse(&mut egress, n as u128 % 40, 7, n / 10));
        assert_eq!(refusals.count(), 0, "one key alone");
        let mut news = 0;
        for n in 600..1_200_i64 {
            let (caller, version) = (n as u128 % 40, n as u128 % 5);
            news += u32::from(refuse(&mut egress, caller, version, n / 10).is_some());
        }
        assert!(news <= 17 + 1, "{news} commits in a minute");
        assert!(egress.suspicion(at(120)).is_some());
    }

    #[test]
    fn refusals_without_end_fill_no_memory() {
        let mut egress = Egress::default();
        for n in 0..10_000_u32 {
            refuse(&mut egress, n.into(), n.into(), 1);
        }
        assert!(egress.refusals.len() <= REFUSALS_MAX);
    }
}
