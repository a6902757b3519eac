//! One key version as this replica sees it: its life signs, and how much it is used.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::canaries::{ANSWERED_WITHIN, Canaries, Canary, told};
use super::choose::Now;
use crate::domain::canary::{Seating, Subject};
use crate::domain::cooling::{self, Cooling};
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::pool::HealthPolicy;
use crate::domain::time::Timestamp;
use crate::domain::vitals::{Admission, Event, Vitals};

mod recent;

use recent::Recent;

/// The most models of one version whose cooldowns are kept; then what ends first makes room.
const COOLING_MODELS_MAX: usize = 64;

/// One key version as this replica sees it.
#[derive(Debug)]
pub struct VersionLive {
    uid: Uuid,
    canary: Arc<Canary>,
    state: Mutex<State>,
    leases: AtomicU64,
    last_use: AtomicI64,
    recent: Recent,
}

#[derive(Debug, Default)]
struct State {
    vitals: Vitals,
    /// A change of health that is not committed yet: said again until it is.
    unsaved: Option<Health>,
    /// What the key itself cools down from. The fleet knows it as the version's health.
    cooling: Cooling,
    /// The same for single models, as this replica alone has seen it.
    models: HashMap<String, Cooling>,
}

impl VersionLive {
    /// No past.
    #[must_use]
    pub fn new(uid: Uuid, health: &Health) -> Self {
        let live = Self {
            uid,
            canary: Canary::new(Subject::version(uid)),
            state: Mutex::default(),
            leases: AtomicU64::new(0),
            last_use: AtomicI64::new(0),
            recent: Recent::default(),
        };
        live.told(health);
        live
    }

    /// The version's uid.
    #[must_use]
    pub const fn uid(&self) -> Uuid {
        self.uid
    }

    /// Whether a lease may be given that may be reported for `lasts`. A canary is taken by asking: the next one to ask is told to wait.
    pub fn admit(&self, canaries: &Canaries, lasts: Duration, now: Now) -> Admission {
        let admission = self.state.lock().vitals.admission(now.database);
        if admission != Admission::Due {
            return admission;
        }
        seated(self.canary.take(canaries, lasts, now.boot), now)
    }

    /// The same, and nothing is taken.
    pub fn admission(&self, now: Now) -> Admission {
        let admission = self.state.lock().vitals.admission(now.database);
        if admission != Admission::Due {
            return admission;
        }
        match self.canary.look(now.boot) {
            Seating::Taken(until) => Admission::Dead(told(until, now)),
            Seating::Given(_) | Seating::Wanted { .. } => Admission::Due,
        }
    }

    /// The right to its canary.
    #[must_use]
    pub const fn canary(&self) -> &Arc<Canary> {
        &self.canary
    }

    /// What an outcome says about it. A change of health is kept as unsaved until [`Self::saved`].
    pub fn on(&self, event: Event<'_>, policy: &HealthPolicy, why: &str, now: Timestamp) {
        let mut state = self.state.lock();
        if matches!(event, Event::Success { .. }) {
            state.cooling.succeed(now);
            state.models.values_mut().for_each(|c| c.succeed(now));
        }
        if let Some(news) = state.vitals.on(event, policy, why, now) {
            state.unsaved = Some(news);
        }
    }

    /// A budget of the key itself is spent; of one model if it is named.
    pub fn blame(
        &self,
        model: &str,
        class: FailureClass,
        stated: Option<Duration>,
        why: &str,
        now: Timestamp,
    ) {
        let state = &mut *self.state.lock();
        let jitter = cooling::jitter(now);
        if !model.is_empty() {
            let models = &mut state.models;
            let cooling = cooling::room(models, model, COOLING_MODELS_MAX, now);
            cooling.blame(class, stated, jitter, why, now);
            return;
        }
        if let Some(cause) = state.cooling.blame(class, stated, jitter, why, now) {
            let policy = HealthPolicy::default();
            let news = state.vitals.on(Event::Cools(&cause), &policy, why, now);
            state.unsaved = news.or(state.unsaved.take());
        }
    }

    /// Until when, and why, it cools down for one model.
    pub fn cooling(&self, model: &str, now: Timestamp) -> Option<Cause> {
        let state = self.state.lock();
        let cooling = state.models.get(model)?;
        cooling.holds(now).cloned()
    }

    /// A change that must be committed before the report behind it is answered.
    #[must_use]
    pub fn unsaved(&self) -> Option<Health> {
        self.state.lock().unsaved.clone()
    }

    /// The change is committed.
    pub fn saved(&self, health: &Health) {
        let mut state = self.state.lock();
        if state.unsaved.as_ref() == Some(health) {
            state.unsaved = None;
        }
    }

    /// A person, or another replica, says how it is. A change of our own that is not committed yet stands until it is.
    pub fn told(&self, health: &Health) {
        let mut state = self.state.lock();
        if *health == Health::Active {
            state.cooling.clear();
            state.models.clear();
        }
        if state.unsaved.is_none() {
            // Whoever's canary is out, it has decided, or somebody else has.
            if *health != state.vitals.health(Timestamp::from_micros(0)) {
                self.canary.settle();
            }
            let policy = HealthPolicy::default();
            state
                .vitals
                .on(Event::Told(health), &policy, "", Timestamp::from_micros(0));
        }
    }

    /// How it is.
    #[must_use]
    pub fn health(&self, now: Timestamp) -> Health {
        self.state.lock().vitals.health(now)
    }

    /// Failures in a row, of the kind that is nearer to cooling it.
    #[must_use]
    pub fn streak(&self) -> u32 {
        self.state.lock().vitals.streak()
    }

    /// A lease was given.
    pub fn used(&self, uses: u64, now: Timestamp) {
        self.leases.fetch_add(1, Ordering::Relaxed);
        self.last_use.store(now.micros(), Ordering::Relaxed);
        self.recent.add(uses, now);
    }

    /// Leases given since this replica started.
    #[must_use]
    pub fn leases(&self) -> u64 {
        self.leases.load(Ordering::Relaxed)
    }

    /// When it was last leased.
    #[must_use]
    pub fn last_use(&self) -> Option<Timestamp> {
        let micros = self.last_use.load(Ordering::Relaxed);
        (micros > 0).then(|| Timestamp::from_micros(micros))
    }

    /// Uses granted over the last minute or so.
    #[must_use]
    pub fn recent(&self, now: Timestamp) -> u64 {
        self.recent.count(now)
    }
}

/// What a lease is told of a version that waits for its canary.
fn seated(seating: Seating, now: Now) -> Admission {
    match seating {
        Seating::Given(lasts) => Admission::Canary(lasts),
        Seating::Wanted { .. } => Admission::Awaited(now.database.after(ANSWERED_WITHIN)),
        Seating::Taken(until) => Admission::Dead(told(until, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_verdict_is_said_again_until_it_is_saved() {
        let live = VersionLive::new(Uuid::nil(), &Health::Active);
        live.on(Event::Rejected, &HealthPolicy::default(), "401", at(1));
        live.told(&Health::Active);
        assert!(matches!(live.health(at(3)), Health::Dead(_)));
        assert_eq!(live.unsaved(), Some(live.health(at(3))));
        live.saved(&live.health(at(3)));
        assert_eq!(live.unsaved(), None);
    }
}
