//! One key version as this replica sees it: its life signs, and how much it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::accusing::Refuted;
use super::canaries::Canary;
use crate::domain::accusers::Matter;
use crate::domain::canary::Subject;
use crate::domain::cooling::{self, Cooling, Failing, VersionCooldowns, Weight};
use crate::domain::health::{FailureClass, Health};
use crate::domain::pool::HealthPolicy;
use crate::domain::time::{BootTime, Timestamp};
use crate::domain::transition::{Transition, Who};
use crate::domain::vitals::{Event, Vitals};

mod admitting;
mod cooling_models;
mod foreseeing;
mod leased;
mod outs;
mod recent;
mod recovering;
mod reviving;

pub use admitting::Applicant;
use outs::Outs;
use recent::Recent;
use recovering::Recovering;

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
    outs: Outs,
    /// Since when it has been asked whether leases of it are out, and as of which revision of it.
    asked: Mutex<Option<(i64, BootTime)>>,
}

#[derive(Debug, Default)]
struct State {
    vitals: Vitals,
    /// A change of health that is not committed yet: said again until it is.
    unsaved: Option<Transition>,
    /// What the key itself cools down from. The fleet knows it as the version's health.
    cooling: Cooling,
    /// What single models of it cool down from.
    models: VersionCooldowns,
    /// When a person, or another replica, had it that it is dead no more.
    revived: Option<Timestamp>,
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
            outs: Outs::default(),
            asked: Mutex::default(),
        };
        live.told(health, recovered);
        live
    }

    /// The version's uid.
    #[must_use]
    pub const fn uid(&self) -> Uuid {
        self.uid
    }

    /// What an outcome, or a probe, says about it. A change of health is kept as unsaved until [`Self::saved`]. Answers what word
    /// has been refuted by it, if any: nobody refutes itself.
    pub fn on(
        &self,
        event: Event<'_>,
        policy: &HealthPolicy,
        why: &str,
        who: Who,
        now: Timestamp,
    ) -> Option<Refuted> {
        let mut state = self.state.lock();
        let accused = state.vitals.accused();
        if matches!(event, Event::Success { .. }) {
            state.cooling.succeed(now);
        }
        let to = state.vitals.on(event, policy, why, now)?;
        let is_well = to == Health::Active;
        let class = to.cause().map_or(FailureClass::Credential, |c| c.class);
        state.unsaved = Some(Transition {
            to,
            who,
            confirmed_ttl: policy.confirmed_ttl(class),
        });
        self.recovering.since(state.vitals.recovered());
        let accused = accused.filter(|(by, _)| is_well && who.caller() != Some(*by))?;
        Some(Refuted {
            by: who.caller(),
            ..self.refuted(accused, None)
        })
    }

    /// A budget of the key itself is spent; of one model if it is named.
    pub fn blame(
        &self,
        model: &str,
        failing: Failing<'_>,
        weight: Weight,
        who: Who,
        now: Timestamp,
    ) {
        let state = &mut *self.state.lock();
        if !model.is_empty() {
            let caller = who.caller().unwrap_or(self.uid);
            state.models.blame((caller, weight), model, failing, now);
            return;
        }
        let (jitter, why) = (cooling::jitter(now), failing.why);
        let news = state.cooling.blame_by(weight, failing, jitter, now);
        let is_dead = matches!(state.vitals.health(now), Health::Dead(_));
        // What it cooled down from before it died puts its canary off too.
        let held = || state.cooling.holds(now).filter(|_| is_dead).cloned();
        if let Some(cause) = news.or_else(held) {
            let policy = HealthPolicy::default();
            let news = state.vitals.on(Event::Cools(&cause), &policy, why, now);
            let news = news.map(|to| Transition {
                to,
                who,
                confirmed_ttl: policy.dead_ttl(),
            });
            state.unsaved = news.or(state.unsaved.take());
        }
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
    /// stands until it is. Answers what word has been refuted by it, if any: only a canary refutes one, what a person clears says nothing.
    pub fn told(&self, health: &Health, recovered: Option<Timestamp>) -> Option<Refuted> {
        let mut state = self.state.lock();
        if *health == Health::Active {
            state.cooling.clear();
        }
        if state.unsaved.is_some() {
            return None;
        }
        let found = recovered.filter(|_| recovered > state.vitals.recovered());
        let held = state.vitals.health(Timestamp::from_micros(0));
        // Whoever's canary is out, it has decided, or somebody else has.
        if *health != held {
            self.canary.settle();
        }
        let (policy, now) = (HealthPolicy::default(), Timestamp::from_micros(0));
        state.vitals.on(Event::Told(health), &policy, "", now);
        state.vitals.recovered_at(recovered);
        self.recovering.since(recovered);
        let found = found.filter(|_| *health == Health::Active)?;
        let cause = held.cause()?;
        let accused = (cause.accuser?, Matter::of(cause.class));
        Some(self.refuted(accused, Some(found.since(cause.until))))
    }

    const fn refuted(&self, accused: (Uuid, Matter), after: Option<Duration>) -> Refuted {
        let (accuser, matter) = accused;
        Refuted {
            version: self.uid,
            accuser,
            matter,
            by: None,
            after,
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

#[cfg(test)]
mod tests;
