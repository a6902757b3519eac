//! One key version as this replica sees it: its life signs, and how much it is used.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::canaries::Canary;
use crate::domain::canary::Subject;
use crate::domain::cooling::{self, Cooling};
use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::pool::HealthPolicy;
use crate::domain::time::Timestamp;
use crate::domain::transition::{Transition, Who};
use crate::domain::vitals::{Event, Vitals};

mod admitting;
mod foreseeing;
mod recent;
mod recovering;

pub use admitting::Applicant;
use recent::Recent;
use recovering::Recovering;

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
    recovering: Recovering,
}

#[derive(Debug, Default)]
struct State {
    vitals: Vitals,
    /// A change of health that is not committed yet: said again until it is.
    unsaved: Option<Transition>,
    /// What the key itself cools down from. The fleet knows it as the version's health.
    cooling: Cooling,
    /// The same for single models, as this replica alone has seen it.
    models: HashMap<String, Cooling>,
}

impl VersionLive {
    /// No past.
    #[must_use]
    pub fn new(uid: Uuid, health: &Health, recovered: Option<Timestamp>) -> Self {
        let live = Self {
            uid,
            canary: Canary::new(Subject::version(uid)),
            state: Mutex::default(),
            leases: AtomicU64::new(0),
            last_use: AtomicI64::new(0),
            recent: Recent::default(),
            recovering: Recovering::default(),
        };
        live.told(health, recovered);
        live
    }

    /// The version's uid.
    #[must_use]
    pub const fn uid(&self) -> Uuid {
        self.uid
    }

    /// What an outcome, or a probe, says about it. A change of health is kept as unsaved until [`Self::saved`]. Answers whose word has
    /// been refuted by it, if anybody's.
    pub fn on(
        &self,
        event: Event<'_>,
        policy: &HealthPolicy,
        why: &str,
        who: Who,
        now: Timestamp,
    ) -> Option<Uuid> {
        let mut state = self.state.lock();
        let accuser = state.vitals.accuser();
        if matches!(event, Event::Success { .. }) {
            state.cooling.succeed(now);
            state.models.values_mut().for_each(|c| c.succeed(now));
        }
        let to = state.vitals.on(event, policy, why, now)?;
        let is_well = to == Health::Active;
        state.unsaved = Some(Transition {
            to,
            who,
            dead_ttl: policy.dead_ttl(),
        });
        self.recovering.since(state.vitals.recovered());
        accuser.filter(|_| is_well)
    }

    /// A budget of the key itself is spent; of one model if it is named.
    pub fn blame(
        &self,
        model: &str,
        class: FailureClass,
        stated: Option<Duration>,
        why: &str,
        who: Who,
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
            let news = news.map(|to| Transition {
                to,
                who,
                dead_ttl: policy.dead_ttl(),
            });
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
    pub fn unsaved(&self) -> Option<Transition> {
        self.state.lock().unsaved.clone()
    }

    /// The change is committed.
    pub fn saved(&self, transition: &Transition) {
        let mut state = self.state.lock();
        if state.unsaved.as_ref() == Some(transition) {
            state.unsaved = None;
        }
    }

    /// A person, or another replica, says how it is, and since when it has been well again. A change of our own that is not committed yet
    /// stands until it is. Answers whose word has been refuted by it, if anybody's.
    pub fn told(&self, health: &Health, recovered: Option<Timestamp>) -> Option<Uuid> {
        let mut state = self.state.lock();
        if *health == Health::Active {
            state.cooling.clear();
            state.models.clear();
        }
        if state.unsaved.is_some() {
            return None;
        }
        let accuser = state.vitals.accuser();
        // Whoever's canary is out, it has decided, or somebody else has.
        if *health != state.vitals.health(Timestamp::from_micros(0)) {
            self.canary.settle();
        }
        let (policy, now) = (HealthPolicy::default(), Timestamp::from_micros(0));
        state.vitals.on(Event::Told(health), &policy, "", now);
        state.vitals.recovered_at(recovered);
        self.recovering.since(recovered);
        accuser.filter(|_| *health == Health::Active)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vitals::Word;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_verdict_is_said_again_until_it_is_saved() {
        let live = VersionLive::new(Uuid::nil(), &Health::Active, None);
        let caller = Uuid::from_u128(1);
        let word = Event::Rejected(Word {
            by: caller,
            is_canary: false,
            is_doubted: false,
        });
        let policy = HealthPolicy::default();
        live.on(word, &policy, "401", Who::Caller(caller), at(1));
        live.told(&Health::Active, None);
        assert!(matches!(live.health(at(3)), Health::Dead(_)));
        let unsaved = live.unsaved().unwrap();
        assert_eq!(unsaved.to, live.health(at(3)));
        live.saved(&unsaved);
        assert_eq!(live.unsaved(), None);
        // What a person clears was no good word.
        assert_eq!(live.told(&Health::Active, None), Some(caller));
        assert_eq!(live.told(&Health::Active, None), None);
    }
}
