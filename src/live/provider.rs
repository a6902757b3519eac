//! What this replica knows of one provider, by the host its accounts go to: who succeeded there last, whether it fails for everybody, and
//! whether our way to it is barred.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::canaries::Canary;
use crate::domain::breaker::{self, Breaker, Passage, Sight};
use crate::domain::canary::Subject;
use crate::domain::egress::{self, Egress};
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::time::Timestamp;

mod fleet;
mod growing;
mod in_use;
mod peers;
mod place;

use growing::Growing;
use in_use::InUse;
use peers::Peers;
pub use place::Place;

/// One provider as this replica sees it. Lives as long as any account goes there.
#[derive(Debug)]
pub struct ProviderLive {
    place: Place,
    state: Mutex<State>,
    /// How its leases grow back, and which of its keys are in use.
    growing: Growing,
    in_use: InUse,
    /// The right to its trial.
    trial: Arc<Canary>,
    /// When the trial of this replica that is out was given; 0 for none.
    trial_given: AtomicI64,
    /// Nothing is held against it: every lease may pass without a look at the rest.
    is_closed: AtomicBool,
    /// The fleet does not know all of it yet.
    has_unsaved: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    peers: Peers,
    breaker: Breaker,
    egress: Egress,
    /// What the fleet does not know yet.
    unsaved: BTreeMap<IncidentKind, Incident>,
    /// What the fleet said meanwhile.
    heard: BTreeMap<IncidentKind, Incident>,
}

impl ProviderLive {
    /// No past.
    #[must_use]
    pub fn new(place: Place) -> Self {
        let subject = Subject::provider(place.profile, &place.host);
        Self {
            place,
            state: Mutex::default(),
            growing: Growing::default(),
            in_use: InUse::default(),
            trial: Canary::new(subject),
            trial_given: AtomicI64::new(0),
            is_closed: AtomicBool::new(true),
            has_unsaved: AtomicBool::new(false),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The right to its trial.
    #[must_use]
    pub const fn trial(&self) -> &Arc<Canary> {
        &self.trial
    }

    /// A version succeeded with this model, wherever its report came in.
    pub fn peer_succeeded(&self, version: Uuid, model: &str, now: Timestamp) {
        self.state.lock().peers.succeeded(version, model, now);
    }

    /// The provider failed a version with this model, wherever its report came in.
    pub fn peer_failed(&self, version: Uuid, model: &str, now: Timestamp) {
        self.state.lock().peers.failed(version, model, now);
    }

    /// It answered, as far as the provider goes.
    pub fn answered(&self, sight: Sight, now: Timestamp) {
        let state = &mut *self.state.lock();
        let breaker = state.breaker.on(breaker::Event::Succeeded(sight), now);
        state.news(IncidentKind::Breaker, breaker);
        self.note(state);
    }

    /// A use succeeded.
    pub fn succeeded(&self, sight: Sight, now: Timestamp) {
        let state = &mut *self.state.lock();
        let breaker = state.breaker.on(breaker::Event::Succeeded(sight), now);
        state.news(IncidentKind::Breaker, breaker);
        let egress = state.egress.on(egress::Event::Succeeded(sight), now);
        state.news(IncidentKind::Egress, egress);
        self.note(state);
    }

    /// It is overloaded or broken, did not answer, or cannot be reached.
    pub fn failed(&self, sight: Sight, stated: Option<Duration>, why: &str, now: Timestamp) {
        let state = &mut *self.state.lock();
        let event = breaker::Event::Failed { sight, stated, why };
        state.breaker.used(self.in_use.are_several(now));
        let news = state.breaker.on(event, now);
        state.news(IncidentKind::Breaker, news);
        self.note(state);
    }

    /// It refuses where we come from.
    pub fn refused(&self, sight: Sight, why: &str, now: Timestamp) {
        let state = &mut *self.state.lock();
        state.egress.used(!self.in_use.are_several(now));
        let news = state.egress.on(egress::Event::Refused { sight, why }, now);
        state.news(IncidentKind::Egress, news);
        // A trial that did not reach the provider has not shown that it is well.
        if state.breaker.is_trial(sight.given) {
            let stated = None;
            let event = breaker::Event::Failed { sight, stated, why };
            let news = state.breaker.on(event, now);
            state.news(IncidentKind::Breaker, news);
        }
        self.note(state);
    }

    /// When another than this version last succeeded with the same model, unless the provider fails others now and then as well.
    #[must_use]
    pub fn others_succeeded(
        &self,
        version: Uuid,
        model: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let state = self.state.lock();
        state.peers.others_succeeded(version, model, now)
    }

    /// Whether a lease may be given to this caller.
    #[must_use]
    pub fn passage(&self, caller: Uuid, now: Timestamp) -> Passage {
        if self.is_closed.load(Ordering::Acquire) {
            return Passage::Free;
        }
        self.state.lock().breaker.passage(caller, now)
    }

    /// When a lease may be given next, as far as is known: `None` for at once.
    #[must_use]
    pub fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_closed.load(Ordering::Acquire) {
            return None;
        }
        self.state.lock().breaker.open(now).map(|i| i.until)
    }

    /// Its trial is given.
    pub fn tried(&self, given: Timestamp) {
        self.trial_given.store(given.micros(), Ordering::Release);
    }

    /// Whether a lease of this replica that was given then is the trial that is out.
    #[must_use]
    pub fn is_trial_out(&self, given: Timestamp) -> bool {
        self.trial_given.load(Ordering::Acquire) == given.micros()
    }

    /// The same; it is not any more.
    pub fn take_trial(&self, given: Timestamp) -> bool {
        let (order, otherwise) = (Ordering::AcqRel, Ordering::Acquire);
        let taken = self
            .trial_given
            .compare_exchange(given.micros(), 0, order, otherwise);
        taken.is_ok()
    }

    /// Whether a lease that was given then may be the trial, whichever replica gave it.
    #[must_use]
    pub fn may_be_trial(&self, given: Timestamp) -> bool {
        let is_closed = self.is_closed.load(Ordering::Acquire);
        !is_closed && self.state.lock().breaker.is_trial(given)
    }

    /// Whether what this caller meets may be the doing of its way there.
    #[must_use]
    pub fn is_way_suspected(&self, caller: Uuid, now: Timestamp) -> bool {
        self.state.lock().egress.is_suspected(caller, now)
    }

    /// Whether this version alone cannot be used from where we are.
    #[must_use]
    pub fn is_barred(&self, version: Uuid, now: Timestamp) -> bool {
        self.state.lock().egress.is_barred(version, now)
    }

    /// What is held against it, of this kind.
    #[must_use]
    pub fn incident(&self, kind: IncidentKind, now: Timestamp) -> Option<Incident> {
        let state = self.state.lock();
        let incident = match kind {
            IncidentKind::Breaker => state.breaker.open(now),
            IncidentKind::Egress => state.egress.suspicion(now),
            IncidentKind::Brake => None,
        };
        incident.cloned()
    }

    fn note(&self, state: &State) {
        let is_closed = state.breaker.is_closed();
        self.is_closed.store(is_closed, Ordering::Release);
        self.growing.since(state.breaker.growing());
        let has_unsaved = !state.unsaved.is_empty();
        self.has_unsaved.store(has_unsaved, Ordering::Release);
    }
}

impl State {
    fn news(&mut self, kind: IncidentKind, news: Option<Incident>) {
        if let Some(news) = news {
            self.unsaved.insert(kind, news);
        }
    }
}

#[cfg(test)]
mod tests;
