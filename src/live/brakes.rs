//! The brakes of this replica's pools, and what the fleet does not know of them yet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::brake::{Brake, Event, WINDOW};
use crate::domain::incident::Incident;
use crate::domain::time::Timestamp;

/// The brakes, by the uid of the pool. Only pools in which something died have one, and those that are gone are forgotten.
#[derive(Debug, Default)]
pub struct Brakes {
    by_pool: Mutex<HashMap<Uuid, Braked>>,
    has_unsaved: AtomicBool,
}

#[derive(Debug, Default)]
struct Braked {
    brake: Brake,
    unsaved: Option<Trip>,
}

/// A brake has tripped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trip {
    /// The incident.
    pub incident: Incident,
    /// When the burst began: what died before stays dead.
    pub since: Timestamp,
    /// When what died in the burst is given back, to its canaries.
    pub back_at: Timestamp,
    /// What died in it: versions, and accounts all of whose keys did.
    pub burst: Vec<Uuid>,
}

impl Brakes {
    /// Verdicts take keys of a pool out. Answers for how long at most, if the brake holds.
    pub fn died<'a>(
        &self,
        pool: Uuid,
        deaths: impl IntoIterator<Item = Event<'a>>,
        now: Timestamp,
    ) -> Option<Duration> {
        let mut brakes = self.by_pool.lock();
        let Braked { brake, unsaved } = brakes.entry(pool).or_default();
        let news = deaths.into_iter().filter_map(|death| brake.on(death, now));
        // The last one knows what those before it know.
        let news = news.last();
        let pause = brake.pause(now);
        if let Some((incident, pause)) = news.zip(pause) {
            *unsaved = Some(Trip {
                incident,
                since: now.before(WINDOW),
                back_at: now.after(pause),
                burst: brake.burst(now).collect(),
            });
            self.has_unsaved.store(true, Ordering::Release);
        }
        pause
    }

    /// How long a verdict takes a key of a pool out at most, if the brake holds.
    #[must_use]
    pub fn pause(&self, pool: Uuid, now: Timestamp) -> Option<Duration> {
        self.by_pool.lock().get(&pool)?.brake.pause(now)
    }

    /// Whether a pool is braked by more than this caller's words: others were told the same then.
    #[must_use]
    pub fn is_shared(&self, pool: Uuid, caller: Uuid, now: Timestamp) -> bool {
        let incident = self.incident(pool, now);
        incident.is_some_and(|incident| incident.accusers != [caller])
    }

    /// What holds a pool back.
    #[must_use]
    pub fn incident(&self, pool: Uuid, now: Timestamp) -> Option<Incident> {
        let brakes = self.by_pool.lock();
        brakes.get(&pool)?.brake.incident(now).cloned()
    }

    /// Whether anything must be committed: for a look without a lock.
    #[must_use]
    pub fn has_unsaved(&self) -> bool {
        self.has_unsaved.load(Ordering::Acquire)
    }

    /// What must be committed.
    #[must_use]
    pub fn unsaved(&self) -> Vec<(Uuid, Trip)> {
        let brakes = self.by_pool.lock();
        let trip = |(pool, braked): (&Uuid, &Braked)| Some((*pool, braked.unsaved.clone()?));
        brakes.iter().filter_map(trip).collect()
    }

    /// It is committed, and this is stored now.
    pub fn saved(&self, pool: Uuid, trip: &Trip, stored: &Incident, now: Timestamp) {
        let mut brakes = self.by_pool.lock();
        if let Some(braked) = brakes.get_mut(&pool) {
            braked.unsaved.take_if(|unsaved| unsaved == trip);
            braked.brake.on(Event::Told(stored), now);
        }
        let has_unsaved = brakes.values().any(|braked| braked.unsaved.is_some());
        self.has_unsaved.store(has_unsaved, Ordering::Release);
    }

    /// The fleet says how it is.
    pub fn told(&self, pool: Uuid, incident: &Incident, now: Timestamp) {
        let mut brakes = self.by_pool.lock();
        let braked = brakes.entry(pool).or_default();
        if braked.unsaved.is_none() {
            braked.brake.on(Event::Told(incident), now);
        }
    }

    /// A pool is gone.
    pub fn forget(&self, pool: Uuid) {
        self.by_pool.lock().remove(&pool);
    }

    /// Nothing is stored of any but these.
    pub fn forget_all_but(&self, stored: impl Fn(Uuid) -> bool) {
        let mut brakes = self.by_pool.lock();
        brakes.retain(|pool, braked| braked.unsaved.is_some() || stored(*pool));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::brake::Loss;

    #[test]
    fn a_burst_that_one_caller_made_is_no_excuse_for_it() {
        let (brakes, pool, now) = (Brakes::default(), Uuid::nil(), Timestamp::from_micros(1));
        let [first, second] = [1, 2].map(Uuid::from_u128);
        let death = |subject, caller| Event::Died {
            loss: Loss {
                account: Uuid::from_u128(subject),
                version: Some(Uuid::from_u128(subject)),
                keys: 1,
            },
            of: 3,
            until: None,
            caller: Some(caller),
            is_alleged: false,
        };
        brakes.died(pool, [death(1, first), death(2, first)], now);
        assert!(brakes.pause(pool, now).is_some());
        assert!(!brakes.is_shared(pool, first, now));
        assert!(brakes.is_shared(pool, second, now));
        // Another goes on with it.
        brakes.died(pool, [death(3, second)], now);
        assert!(brakes.is_shared(pool, first, now));
    }
}
