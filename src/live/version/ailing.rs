//! What ails a version, or has ailed it. Nearly all of many thousand are well, and take no room for it.

use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::accusers::Matter;
use crate::domain::cooling::{self, Cooling, Failing, VersionCooldowns, Weight};
use crate::domain::health::{FailureClass, Health};
use crate::domain::pool::HealthPolicy;
use crate::domain::time::Timestamp;
use crate::domain::transition::{Transition, Who};
use crate::domain::vitals::{Event, Vitals};

/// What ails a version, or has ailed it: nothing at first, which every lease sees without a lock.
#[derive(Debug, Default)]
pub(super) struct Ailing(OnceLock<Box<Mutex<State>>>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) vitals: Vitals,
    /// A change of health that is not committed yet: said again until it is.
    pub(super) unsaved: Option<Transition>,
    /// What the key itself cools down from. The fleet knows it as the version's health.
    pub(super) cooling: Cooling,
    /// What single models of it cool down from.
    pub(super) models: VersionCooldowns,
    /// When a person, or another replica, had it that it is dead no more.
    pub(super) revived: Option<Timestamp>,
}

impl Ailing {
    /// What is known of it; `None` where nothing has ever ailed it.
    pub(super) fn known<T>(&self, tell: impl FnOnce(&mut State) -> T) -> Option<T> {
        self.0.get().map(|state| tell(&mut state.lock()))
    }

    /// Something ails it, or may.
    pub(super) fn befallen<T>(&self, tell: impl FnOnce(&mut State) -> T) -> T {
        tell(&mut self.0.get_or_init(Box::default).lock())
    }
}

/// What came of the fleet's word.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// It is another one than was held here.
    pub(super) is_changed: bool,
    /// Whose word is refuted by it, of what, and how long after its time.
    pub(super) refuted: Option<((Uuid, Matter), Duration)>,
}

impl State {
    /// An outcome, or a probe. Answers whose word alone it had been that the version is dead, and of what, where somebody else's finds it
    /// well.
    pub(super) fn happen(
        &mut self,
        event: Event<'_>,
        policy: &HealthPolicy,
        why: &str,
        who: Who,
        now: Timestamp,
    ) -> Option<(Uuid, Matter)> {
        let accused = self.vitals.accused();
        if matches!(event, Event::Success { .. }) {
            self.cooling.succeed(now);
        }
        let to = self.vitals.on(event, policy, why, now)?;
        let is_well = to == Health::Active;
        let class = to.cause().map_or(FailureClass::Credential, |c| c.class);
        self.unsaved = Some(Transition {
            to,
            who,
            confirmed_ttl: policy.confirmed_ttl(class),
        });
        accused.filter(|(by, _)| is_well && who.caller() != Some(*by))
    }

    /// The key itself has a budget that is spent.
    pub(super) fn cool(
        &mut self,
        (weight, who): (Weight, Who),
        failing: Failing<'_>,
        now: Timestamp,
    ) {
        let (jitter, why) = (cooling::jitter(now), failing.why);
        let news = self.cooling.blame_by(weight, failing, jitter, now);
        let is_dead = matches!(self.vitals.health(now), Health::Dead(_));
        // What it cooled down from before it died puts its canary off too.
        let held = || self.cooling.holds(now).filter(|_| is_dead).cloned();
        if let Some(cause) = news.or_else(held) {
            let policy = HealthPolicy::default();
            let news = self.vitals.on(Event::Cools(&cause), &policy, why, now);
            // What it is tried by is what it cools down from as a whole, failures in a row included.
            if let Health::Cooling(cause) = self.vitals.health(now) {
                self.cooling.told_anew(cause);
            }
            let news = news.map(|to| Transition {
                to,
                who,
                confirmed_ttl: policy.dead_ttl(),
            });
            self.unsaved = news.or(self.unsaved.take());
        }
    }

    /// How the fleet has it. A change of our own that is not committed yet stands until it is.
    pub(super) fn told(&mut self, health: &Health, recovered: Option<Timestamp>) -> Told {
        if self.unsaved.is_some() {
            return Told::default();
        }
        let (policy, never) = (HealthPolicy::default(), Timestamp::from_micros(0));
        match health {
            Health::Active => self.cooling.clear(),
            Health::Cooling(cause) if cause.is_budget() => self.cooling.told_anew(cause.clone()),
            Health::Cooling(_) | Health::Dead(_) => {}
        }
        let found = recovered.filter(|_| recovered > self.vitals.recovered());
        let held = self.vitals.health(never);
        self.vitals.on(Event::Told(health), &policy, "", never);
        self.vitals.recovered_at(recovered);
        let refuted = || {
            let (found, cause) = (found.filter(|_| *health == Health::Active)?, held.cause()?);
            let accuser = cause.accuser.filter(|by| !by.is_nil())?;
            let accused = (accuser, Matter::of(cause.class));
            Some((accused, found.since(cause.believed())))
        };
        Told {
            is_changed: *health != held,
            refuted: refuted(),
        }
    }
}
