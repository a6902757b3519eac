//! What befell providers and pools, as the fleet knows it, on its way to what lives of them.

use std::sync::Arc;

use super::Registry;
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::time::Timestamp;
use crate::live::provider::{Place, ProviderLive};

/// What befalls providers; pools have their brakes.
const OF_PROVIDERS: [IncidentKind; 2] = [IncidentKind::Breaker, IncidentKind::Egress];

impl Registry {
    /// The fleet says so of a provider.
    pub fn befell(
        &mut self,
        kind: IncidentKind,
        subject: String,
        incident: Incident,
        now: Timestamp,
    ) {
        let mut providers = self.lives.providers.values();
        if let Some(live) = providers.find(|live| live.place().subject() == subject) {
            live.told(kind, &incident, now);
        }
        self.incidents.insert((kind, subject), incident);
    }

    /// All that is stored was read: what is not among it is over.
    pub fn forget_incidents(&self, now: Timestamp) {
        for live in self.lives.providers.values() {
            for kind in OF_PROVIDERS {
                if !self.incidents.contains_key(&(kind, live.place().subject())) {
                    live.forgotten(kind, now);
                }
            }
        }
    }

    /// What lives of a provider. One that is met anew hears what the fleet knows of it.
    pub(super) fn provider_live(&mut self, place: Place) -> Arc<ProviderLive> {
        if let Some(live) = self.lives.providers.get(&place) {
            return Arc::clone(live);
        }
        let live = Arc::new(ProviderLive::new(place.clone()));
        for kind in OF_PROVIDERS {
            if let Some(incident) = self.incidents.get(&(kind, place.subject())) {
                // What has ended by its time shows so at every look.
                live.told(kind, incident, incident.since);
            }
        }
        self.lives.providers.insert(place, Arc::clone(&live));
        live
    }
}
