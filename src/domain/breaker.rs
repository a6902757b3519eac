//! The breaker of one provider: opens where it fails for several callers, or one caller's several keys, and closes when one trial lease in
//! the whole fleet comes back well.

use std::time::Duration;

use uuid::Uuid;

use super::cooling;
use super::incident::Incident;
use super::pool::TTL_MAX;
use super::time::Timestamp;

mod sights;

use sights::{Accusation, Sights};
pub use sights::{Sight, WINDOW_SECONDS};

/// How long it is open at first: a restart of the provider's front takes about so long.
pub const OPEN_FIRST: Duration = Duration::from_secs(5);
/// How long at most unless two callers were told longer: a trial is one lease, so that much can be spent on finding out, and one caller
/// who lies about a delay holds nobody back for longer.
pub const OPEN_MAX: Duration = Duration::from_mins(2);
/// A provider that fails again so soon after it was found well was not well: it goes on where it had been.
const RELAPSE: Duration = Duration::from_mins(1);
/// How long the first trial is kept for a caller who has not said that the provider fails: one who lies would otherwise ask first and say
/// so again for ever.
const GRACE: Duration = Duration::from_secs(1);

/// The breaker of one provider, as one replica sees it.
#[derive(Debug, Default)]
pub struct Breaker {
    sights: Sights,
    /// Several of its keys are in use.
    are_several: bool,
    /// The last one: open, or ended.
    incident: Option<Incident>,
}

/// What happens to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// It did what was asked.
    Succeeded(Sight),
    /// It is overloaded or broken, did not answer, or cannot be reached.
    Failed {
        /// Where.
        sight: Sight,
        /// After how long it says it is well.
        stated: Option<Duration>,
        /// In our own words.
        why: &'a str,
    },
    /// The fleet says how it is.
    Told(&'a Incident),
    /// A person says that it is well, or nothing is stored of it any more.
    Cleared,
}

/// Whether a lease may be given for a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It may.
    Free,
    /// One may, in the whole fleet: whoever has the right to it gives it.
    Trial,
    /// None before this time.
    Shut(Timestamp),
}

impl Breaker {
    /// Whether a lease may be given to this caller at `now`. The word of few callers shuts nobody out while others do well.
    #[must_use]
    pub fn passage(&self, caller: Uuid, now: Timestamp) -> Passage {
        let Some(incident) = self.open(now) else {
            return Passage::Free;
        };
        if now < incident.until {
            return Passage::Shut(incident.until);
        }
        let graced = incident.until.after(GRACE);
        if now < graced && incident.accusers.contains(&caller) {
            return Passage::Shut(graced);
        }
        Passage::Trial
    }

    /// The incident that shuts it, if one does.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> Option<&Incident> {
        let incident = self.incident.as_ref().filter(|i| i.is_open())?;
        let is_denied = self.sights.outweigh(&incident.accusers, now);
        (!is_denied).then_some(incident)
    }

    /// Whether nothing is held against it, so that every lease may be given.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.incident.as_ref().is_some_and(Incident::is_open)
    }

    /// Whether several of its keys are in use, so that what one alone meets may be that one's.
    pub const fn used(&mut self, are_several: bool) {
        self.are_several = are_several;
    }

    /// Since when, and for how long, its leases grow back after a trial went well: for about as long as it had been shut. A person's word,
    /// and that of those who did well meanwhile, gives all of them back at once.
    #[must_use]
    pub fn growing(&self) -> Option<(Timestamp, Duration)> {
        let incident = self.incident.as_ref().filter(|i| i.strikes > 0)?;
        let ended = incident.ended?;
        let shut = ended.since(incident.since);
        Some((ended, shut.clamp(OPEN_FIRST, RELAPSE)))
    }

    /// Whether a use of a lease that was given then is the trial, whose outcome decides.
    #[must_use]
    pub fn is_trial(&self, given: Timestamp) -> bool {
        self.incident.as_ref().is_some_and(|i| is_trial(i, given))
    }

    /// Moves on. `Some` is what the fleet must know.
    pub fn on(&mut self, event: Event<'_>, now: Timestamp) -> Option<Incident> {
        match event {
            Event::Succeeded(sight) => self.succeeded(sight, now),
            Event::Failed { sight, stated, why } => self.failed(sight, stated, why, now),
            Event::Told(incident) => {
                self.told(incident);
                None
            }
            Event::Cleared => {
                self.sights.forget();
                self.incident = None;
                None
            }
        }
    }

    fn succeeded(&mut self, sight: Sight, now: Timestamp) -> Option<Incident> {
        // Where those who do well denied it all along, nothing was shut.
        let held = self.incident.as_ref();
        let is_denied = held.is_some_and(|i| self.sights.outweigh(&i.accusers, now));
        self.sights.succeeded(sight, now);
        let incident = self
            .incident
            .as_mut()
            .filter(|i| is_trial(i, sight.given))?;
        incident.ended = Some(now);
        if is_denied {
            incident.strikes = 0;
        }
        let news = incident.clone();
        self.sights.forget();
        Some(news)
    }

    fn failed(
        &mut self,
        sight: Sight,
        stated: Option<Duration>,
        why: &str,
        now: Timestamp,
    ) -> Option<Incident> {
        let stated = stated.map(|stated| now.after(stated.min(TTL_MAX)));
        match &mut self.incident {
            Some(incident) if incident.is_open() => {
                self.sights.failed(sight, stated, now);
                let stated = self.sights.stated(now);
                if !is_trial(incident, sight.given) {
                    let accusation = self.sights.accusation(self.are_several, now);
                    return seconded(incident, accusation?);
                }
                incident.strikes = incident.strikes.saturating_add(1);
                incident.until = reopening(incident.strikes, stated, now);
                incident.accuse(sight.caller);
                why.clone_into(&mut incident.why);
                Some(incident.clone())
            }
            // What was sent before the provider was found well says nothing of how it is now.
            Some(ended) if ended.ended.is_some_and(|ended| sight.given < ended) => None,
            Some(_) | None => {
                self.sights.failed(sight, stated, now);
                let accusation = self.sights.accusation(self.are_several, now)?;
                Some(self.opened(accusation, why, now))
            }
        }
    }

    fn opened(&mut self, accusation: Accusation, why: &str, now: Timestamp) -> Incident {
        let last = self.incident.as_ref();
        let relapsed = last.filter(|i| i.ended.is_some_and(|at| now.since(at) < RELAPSE));
        let strikes = relapsed.map_or(1, |i| i.strikes.saturating_add(1));
        let (failures, uses) = (accusation.failures, accusation.uses);
        let callers = match accusation.callers {
            1 => "1 caller".to_owned(),
            count => format!("{count} callers"),
        };
        let mut incident = Incident {
            since: now,
            until: reopening(strikes, accusation.stated, now),
            ended: None,
            why: format!("{why}; {failures} of the last {uses} uses of {callers} failed"),
            strikes,
            accusers: Vec::new(),
        };
        incident.accuse_all(accusation.accusers);
        self.incident = Some(incident.clone());
        incident
    }

    /// What was read before the last turn here is no news.
    fn told(&mut self, told: &Incident) {
        let is_taken_up = told.told_to(&mut self.incident);
        let is_open = self.incident.as_ref().is_some_and(Incident::is_open);
        if is_taken_up && !is_open {
            self.sights.forget();
        }
    }
}

/// Where one caller alone spoke of it, the word of another makes it more than an allegation.
fn seconded(incident: &mut Incident, accusation: Accusation) -> Option<Incident> {
    if !incident.is_alleged() {
        return None;
    }
    incident.accuse_all(accusation.accusers);
    (!incident.is_alleged()).then(|| incident.clone())
}

/// While it is shut nothing else is given, so what was given after that is the trial.
fn is_trial(incident: &Incident, given: Timestamp) -> bool {
    incident.is_open() && given >= incident.until
}

/// When the next trial may go out: doubling, up to a quarter longer by jitter, and not before the provider says.
fn reopening(strikes: u32, stated: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let doubled = OPEN_FIRST * 2_u32.saturating_pow(strikes.saturating_sub(1).min(8));
    let longer = 1.0 + cooling::jitter(now) / 4.0;
    let until = now.after(doubled.min(OPEN_MAX).mul_f64(longer));
    stated.map_or(until, |stated| until.max(stated))
}

#[cfg(test)]
mod across_keys;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
