//! Between what this replica has found out of a provider and what the fleet knows of it.

use std::sync::atomic::Ordering;

use super::ProviderLive;
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::time::Timestamp;
use crate::domain::{breaker, egress};
use crate::live::choose::Now;

impl ProviderLive {
    /// When the next trial may go out, where that is the next lease that is given at all: not if it could be given now. While the trial is
    /// out that time has passed, and nobody else is served.
    #[must_use]
    pub fn shut(&self, now: Now) -> Option<Timestamp> {
        let opens = self.opens(now.database)?;
        let is_out = || self.trial().taken(now.boot).is_some();
        (opens > now.database || is_out()).then_some(opens)
    }

    /// Whether anything must be committed: for a look without a lock.
    #[must_use]
    pub fn has_unsaved(&self) -> bool {
        self.has_unsaved.load(Ordering::Acquire)
    }

    /// What must be committed before the report behind it is answered.
    #[must_use]
    pub fn unsaved(&self) -> Vec<(IncidentKind, Incident)> {
        let unsaved = self.state.lock().unsaved.clone();
        unsaved.into_iter().collect()
    }

    /// It is committed, and this is stored now.
    pub fn saved(&self, kind: IncidentKind, news: &Incident, stored: &Incident, now: Timestamp) {
        let mut state = self.state.lock();
        if state.unsaved.get(&kind) == Some(news) {
            state.unsaved.remove(&kind);
        }
        self.note(&state);
        let heard = state.heard.remove(&kind);
        drop(state);
        self.told(kind, stored, now);
        // Which of the two is the later, their times say.
        if let Some(heard) = heard {
            self.told(kind, &heard, now);
        }
    }

    /// The fleet says how it is. A change of our own that is not committed yet stands until it is.
    pub fn told(&self, kind: IncidentKind, incident: &Incident, now: Timestamp) {
        let state = &mut *self.state.lock();
        if state.unsaved.contains_key(&kind) {
            state.heard.insert(kind, incident.clone());
            return;
        }
        match kind {
            IncidentKind::Breaker => {
                let before = state.breaker.open(now).map(|i| i.until);
                state.breaker.on(breaker::Event::Told(incident), now);
                // Whoever's trial is out, its outcome is known.
                if before != state.breaker.open(now).map(|i| i.until) {
                    self.trial.settle();
                    self.trial_given.store(0, Ordering::Release);
                }
            }
            IncidentKind::Egress => drop(state.egress.on(egress::Event::Told(incident), now)),
            IncidentKind::Brake => {}
        }
        self.note(state);
    }

    /// Nothing is stored of it any more.
    pub fn forgotten(&self, kind: IncidentKind, now: Timestamp) {
        let state = &mut *self.state.lock();
        if state.unsaved.contains_key(&kind) {
            return;
        }
        match kind {
            IncidentKind::Breaker => drop(state.breaker.on(breaker::Event::Cleared, now)),
            IncidentKind::Egress => drop(state.egress.on(egress::Event::Cleared, now)),
            IncidentKind::Brake => {}
        }
        self.note(state);
    }
}
