//! What this replica knows to befall many keys at once: for status, explanations, metrics and alerts.

use std::sync::Arc;

use super::Live;
use super::provider::ProviderLive;
use super::snapshot::{PoolEntry, Snapshot};
use crate::domain::incident::{IncidentKind, Ongoing, Subject};
use crate::domain::time::Timestamp;

impl Live {
    /// Every incident that holds at `now`: providers that fail, ways out that are suspected, and pools that are braked.
    #[must_use]
    pub fn incidents(&self, now: Timestamp) -> Vec<Ongoing> {
        let snapshot = self.glance();
        let providers = snapshot.providers.iter();
        let of_providers = providers.flat_map(|provider| of_provider(provider, now));
        let pools = snapshot.pools.values();
        let of_pools = pools.filter_map(|pool| self.brake_of(pool, now));
        of_providers.chain(of_pools).collect()
    }

    /// Those that concern one pool: its own, and those of the providers that its keys go to.
    #[must_use]
    pub fn incidents_of(
        &self,
        snapshot: &Snapshot,
        pool: &PoolEntry,
        now: Timestamp,
    ) -> Vec<Ongoing> {
        let concerns = |provider: &&Arc<ProviderLive>| {
            let mut runs = pool.tiers.iter().flat_map(|tier| &tier.runs);
            runs.any(|run| Arc::ptr_eq(&run.account.provider, provider))
        };
        let providers = snapshot.providers.iter();
        let held = providers.filter(|provider| of_provider(provider, now).next().is_some());
        let of_providers = held
            .filter(concerns)
            .flat_map(|provider| of_provider(provider, now));
        of_providers.chain(self.brake_of(pool, now)).collect()
    }

    fn brake_of(&self, pool: &PoolEntry, now: Timestamp) -> Option<Ongoing> {
        let incident = self.brakes.incident(pool.pool.meta.uid, now)?;
        let subject = Subject::Pool(pool.pool.id.clone());
        Some(Ongoing::of(IncidentKind::Brake, subject, incident))
    }
}

fn of_provider(provider: &ProviderLive, now: Timestamp) -> impl Iterator<Item = Ongoing> + '_ {
    let kinds = [IncidentKind::Breaker, IncidentKind::Egress].into_iter();
    kinds.filter_map(move |kind| ongoing(provider, kind, now))
}

/// What is held against a provider, of this kind.
#[must_use]
pub fn ongoing(provider: &ProviderLive, kind: IncidentKind, now: Timestamp) -> Option<Ongoing> {
    let place = provider.place();
    let subject = Subject::Provider {
        profile: place.profile,
        host: place.host.clone(),
    };
    Some(Ongoing::of(kind, subject, provider.incident(kind, now)?))
}
