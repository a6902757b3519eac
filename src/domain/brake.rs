//! The mass-death brake of one pool: where over half of its keys would die within a minute, the provider or our way out is to blame, and no
//! key dies for as long as it would alone.
//!
//! A braked key is not spared: it is out for a short pause, and then one canary lease decides over it, as after any death. So a burst that a
//! provider or a liar makes costs minutes, and a key that is really dead serves nobody but one canary each pause, which doubles with every
//! burst. A pool of one key has no brake, and a single death in a pool of two trips none: what is revoked alone dies.
//! What one caller alone says is no burst before it is proven: its quarantines are as short, and it shall not pass for an incident.

use std::time::Duration;

use uuid::Uuid;

use super::incident::Incident;
use super::time::Timestamp;

mod burst;

pub use burst::Loss;
use burst::{Burst, Sum};

/// Deaths within this time are one burst.
pub const WINDOW: Duration = Duration::from_mins(1);
/// Verdicts of their own that a burst needs, however many keys each of them takes: one closed account is one verdict.
const VERDICTS_MIN: usize = 2;
/// How long a braked key is out at first: incidents that reject every key are over within minutes, most often.
pub const PAUSE_FIRST: Duration = Duration::from_mins(1);
/// How long the brake holds after that pause: canaries go out then, and those that fail must not die alone of it.
const HELD_AFTER: Duration = Duration::from_mins(2);
/// How much later than the pause a death may end: clocks of replicas differ a little.
const LEEWAY: Duration = Duration::from_secs(5);
/// How long after its end another burst goes on from where it had been.
const RELAPSE: Duration = Duration::from_mins(10);

/// The brake of one pool, as one replica sees it.
#[derive(Debug, Default)]
pub struct Brake {
    burst: Burst,
    incident: Option<Incident>,
}

/// What happens to a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A verdict takes keys out.
    Died {
        /// What.
        loss: Loss,
        /// Keys that the pool has.
        of: usize,
        /// Until when it is stored to be out; none of what is only about to be.
        until: Option<Timestamp>,
        /// Whose word it is, if that is known.
        caller: Option<Uuid>,
        /// It is that one's word alone: nobody has confirmed it.
        is_alleged: bool,
    },
    /// The fleet says how it is.
    Told(&'a Incident),
    /// A person says that it is well.
    Cleared,
}

impl Brake {
    /// How long a verdict takes a key out at `now`, if the brake holds.
    #[must_use]
    pub fn pause(&self, now: Timestamp) -> Option<Duration> {
        self.incident(now).map(|incident| pause(incident.strikes))
    }

    /// The incident, while it holds.
    #[must_use]
    pub fn incident(&self, now: Timestamp) -> Option<&Incident> {
        self.incident.as_ref().filter(|i| i.lasts(now))
    }

    /// What died within the last minute: versions, and accounts all of whose keys did.
    pub fn burst(&self, now: Timestamp) -> impl Iterator<Item = Uuid> + '_ {
        self.burst.subjects(now)
    }

    /// Moves on. `Some` is what the fleet must know.
    pub fn on(&mut self, event: Event<'_>, now: Timestamp) -> Option<Incident> {
        match event {
            Event::Died {
                loss,
                of,
                until,
                caller,
                is_alleged,
            } => {
                let alleged_by = caller.filter(|_| is_alleged);
                self.burst.add(loss, alleged_by, now);
                let news = self.trip(of, now);
                // Who goes on with a burst has made it, too.
                if let Some(incident) = self.incident.as_mut().filter(|i| i.lasts(now)) {
                    caller.into_iter().for_each(|by| incident.accuse(by));
                }
                let Some(news) = news else {
                    return self.outlived(until?, now);
                };
                Some(self.incident.clone().unwrap_or(news))
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

    /// While it holds, a death that is stored for longer than the pause came in where that was not known yet: the fleet is told of the
    /// same burst again, so that this one is given back too.
    fn outlived(&self, until: Timestamp, now: Timestamp) -> Option<Incident> {
        let held = self.incident(now)?;
        let ends = now.after(pause(held.strikes) + LEEWAY);
        (until > ends).then(|| held.clone())
    }

    fn trip(&mut self, of: usize, now: Timestamp) -> Option<Incident> {
        let Sum { verdicts, keys } = self.burst.sum();
        if verdicts < VERDICTS_MIN || keys * 2 <= of {
            return None;
        }
        // One burst trips it once, however many more die in it.
        if self.tripped().is_some_and(|at| now.since(at) < WINDOW) {
            return None;
        }
        let held = self.incident(now).cloned();
        let last = self.incident.as_ref();
        let relapsed = last.filter(|i| now.since(i.until) < RELAPSE);
        let strikes = relapsed.map_or(1, |i| i.strikes.saturating_add(1));
        let mut incident = Incident {
            since: held.as_ref().map_or(now, |held| held.since),
            until: now.after(pause(strikes) + HELD_AFTER),
            ended: None,
            why: format!(
                "{keys} of {of} keys were rejected within a minute: the provider or our way out is to blame"
            ),
            strikes,
            accusers: held.map_or_else(Vec::new, |held| held.accusers),
        };
        self.burst.accusers().for_each(|by| incident.accuse(by));
        self.incident = Some(incident.clone());
        Some(incident)
    }

    /// When it last tripped, here or elsewhere.
    fn tripped(&self) -> Option<Timestamp> {
        let incident = self.incident.as_ref().filter(|i| i.is_open())?;
        let held = pause(incident.strikes) + HELD_AFTER;
        Some(incident.until.before(held))
    }
}

fn pause(strikes: u32) -> Duration {
    PAUSE_FIRST * 2_u32.saturating_pow(strikes.saturating_sub(1).min(16))
}

#[cfg(test)]
mod tests;
