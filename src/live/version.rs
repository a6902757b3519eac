//! One key version as this replica sees it: its life signs, and how much it is used.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::accusing::Refuted;
use super::canaries::Canary;
use crate::domain::accusers::Matter;
use crate::domain::cooling::{Failing, Weight};
use crate::domain::health::Health;
use crate::domain::pool::HealthPolicy;
use crate::domain::time::{BootTime, Timestamp};
use crate::domain::transition::{Transition, Who};
use crate::domain::vitals::Event;

mod admitting;
mod ailing;
mod cooling_models;
mod foreseeing;
mod leased;
mod outs;
mod recent;
mod recovering;
mod reviving;
mod trying;

pub use admitting::Applicant;
use ailing::{Ailing, State};
use outs::Outs;
use recent::Recent;
use recovering::Recovering;

/// One key version as this replica sees it.
#[derive(Debug)]
pub struct VersionLive {
    uid: Uuid,
    /// Made when its right is first asked for: few ever die.
    canary: OnceLock<Arc<Canary>>,
    ailing: Ailing,
    leases: AtomicU64,
    last_use: AtomicI64,
    recent: Recent,
    recovering: Recovering,
    outs: Outs,
    /// Since when it has been asked whether leases of it are out, and as of which revision of it.
    asked: Mutex<Option<(i64, BootTime)>>,
}

impl VersionLive {
    /// No past.
    #[must_use]
    pub fn new(uid: Uuid, health: &Health, recovered: Option<Timestamp>) -> Self {
        let live = Self {
            uid,
            canary: OnceLock::new(),
            ailing: Ailing::default(),
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
        let happen = |state: &mut State| {
            let accused = state.happen(event, policy, why, who, now);
            self.recovering.since(state.vitals.recovered());
            accused
        };
        let is_good = matches!(
            event,
            Event::Success { .. } | Event::Probed { is_well: true } | Event::Neutral
        );
        let accused = if is_good {
            self.ailing.known(happen).flatten()
        } else {
            self.ailing.befallen(happen)
        };
        Some(Refuted {
            by: who.caller(),
            ..self.refuted(accused?, None)
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
        let caller = who.caller().unwrap_or(self.uid);
        self.ailing.befallen(|state| {
            if model.is_empty() {
                state.cool((weight, who), failing, now);
            } else {
                state.models.blame((caller, weight), model, failing, now);
            }
        });
    }

    /// A change that must be committed before the report behind it is answered.
    #[must_use]
    pub fn unsaved(&self) -> Option<Transition> {
        self.ailing.known(|state| state.unsaved.clone()).flatten()
    }

    /// The change is committed.
    pub fn saved(&self, transition: &Transition) {
        self.ailing.known(|state| {
            state.unsaved.take_if(|unsaved| unsaved == transition);
        });
    }

    /// A person, or another replica, says how it is, and since when it has been well again. A change of our own that is not committed yet
    /// stands until it is. Answers what word has been refuted by it, if any: only a canary refutes one, what a person clears says nothing.
    pub fn told(&self, health: &Health, recovered: Option<Timestamp>) -> Option<Refuted> {
        let tell = |state: &mut State| {
            let told = state.told(health, recovered);
            self.recovering.since(state.vitals.recovered());
            told
        };
        let told = if *health == Health::Active && recovered.is_none() {
            self.ailing.known(tell)?
        } else {
            self.ailing.befallen(tell)
        };
        if told.is_changed {
            // Whoever's canary is out, it has decided, or somebody else has.
            self.canary
                .get()
                .into_iter()
                .for_each(|canary| canary.settle());
        }
        let (accused, after) = told.refuted?;
        Some(self.refuted(accused, Some(after)))
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
        let health = self.ailing.known(|state| state.vitals.health(now));
        health.unwrap_or_default()
    }

    /// Failures in a row, of the kind that is nearer to cooling it.
    #[must_use]
    pub fn streak(&self) -> u32 {
        let streak = self.ailing.known(|state| state.vitals.streak());
        streak.unwrap_or_default()
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
