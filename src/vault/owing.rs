//! What a report must not be answered before: news of its own that the fleet does not know yet.

use uuid::Uuid;

use super::Vault;
use crate::domain::claims::LeaseClaims;
use crate::domain::health::Cause;
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::transition::Transition;
use crate::live::brakes::Trip;

/// What the fleet does not know yet of all that reports on one lease can move.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Unsaved {
    health: Option<Transition>,
    cooling: Vec<(String, Cause)>,
    models: Vec<(String, Cause)>,
    incidents: Vec<(IncidentKind, Incident)>,
    trips: Vec<Trip>,
}

impl Vault {
    /// Looked at before and after a report acts: what differs is news of its own. What others have found out is on its way with their own
    /// reports, or with the next poll, and no success waits for that while the database is away.
    pub(super) fn unsaved(&self, claims: &LeaseClaims) -> Unsaved {
        let snapshot = self.live.glance();
        let version = snapshot.versions.get(&claims.version_uid);
        let mut unsaved = Unsaved {
            health: version.and_then(|version| version.live.unsaved()),
            models: version.map_or_else(Vec::new, |version| version.live.unsaved_models()),
            trips: self.trips(claims.pool_uid),
            ..Unsaved::default()
        };
        if let Some(account) = snapshot.account_of(claims) {
            unsaved.cooling = account.live.unsaved();
            if account.provider.has_unsaved() {
                unsaved.incidents = account.provider.unsaved();
            }
        }
        unsaved
    }

    fn trips(&self, pool_uid: Uuid) -> Vec<Trip> {
        if !self.live.brakes.has_unsaved() {
            return Vec::new();
        }
        let trips = self.live.brakes.unsaved().into_iter();
        let of_pool = trips.filter(|(pool, _)| *pool == pool_uid);
        of_pool.map(|(_, trip)| trip).collect()
    }

    /// Whether what a report said must be committed before it is answered: news of its own, whatever a canary or a trial says, and what is
    /// owed since the same report came before (then nobody looked at what was `before`).
    pub(super) fn owes(&self, claims: &LeaseClaims, before: Option<&Unsaved>) -> bool {
        let is_trial = || {
            let snapshot = self.live.glance();
            let account = snapshot.account_of(claims);
            account.is_some_and(|account| account.provider.is_trial_out(claims.given))
        };
        let has_news = before.is_none_or(|before| *before != self.unsaved(claims));
        has_news || claims.is_canary || is_trial()
    }
}
