//! What befell many keys at once: told by outcomes, and committed on its way to the fleet, before the report behind it is answered.

use std::sync::Arc;

use uuid::Uuid;

use super::Vault;
use super::opened::Opened;
use super::telling::tell_of_incident;
use crate::domain::breaker::Sight;
use crate::domain::canary::Subject;
use crate::domain::classify::Blame;
use crate::domain::health::FailureClass;
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::judged::{Judged, Seen};
use crate::domain::outcome::Start;
use crate::domain::time::Timestamp;
use crate::live::brakes::Trip;
use crate::live::provider::ProviderLive;
use crate::live::snapshot::AccountEntry;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::{
    self, canaries, cluster, cooldowns, deletions, health_changes, incidents, key_versions,
};

/// Who gives back what died together.
const BRAKE: &str = "brake";

/// What the fleet must know.
#[derive(Default)]
struct News {
    providers: Vec<(Arc<ProviderLive>, IncidentKind, Incident)>,
    trips: Vec<(Uuid, Trip)>,
}

/// What an outcome says of the provider, and of our way to it. Whatever it answered but for a fault of its own, it is up.
pub(super) fn tell_provider(
    account: &AccountEntry,
    lease: &Opened,
    outcome: &Judged,
    now: Timestamp,
) {
    let claims = &lease.claims;
    let sight = Sight {
        caller: claims.caller_uid,
        version: claims.version_uid,
        given: claims.given,
    };
    let provider = &account.provider;
    let Seen::Failed { failure, why } = &outcome.seen else {
        if outcome.seen == Seen::Success {
            provider.peer_succeeded(claims.version_uid, &claims.model, now);
            provider.succeeded(sight, now);
        }
        return;
    };
    // Where nothing answers, a firewall has not spoken: a provider that nobody reaches is down, and one that others reach is well by their
    // word, which keeps its breaker closed.
    if failure.blame == Blame::Egress && outcome.start == Start::Unknown {
        provider.peer_failed(claims.version_uid, &claims.model, now);
        provider.failed(sight, None, why, now);
        return;
    }
    // A firewall throttles an address as a rate limit, and no key's budget is spent by that.
    if failure.blame == Blame::Egress {
        provider.refused(sight, why, now);
        return;
    }
    match failure.class {
        FailureClass::ProviderFault => {
            provider.peer_failed(claims.version_uid, &claims.model, now);
            provider.failed(sight, failure.retry_after, why, now);
        }
        FailureClass::CallerFault
        | FailureClass::Credential
        | FailureClass::Quota
        | FailureClass::RateLimit
        | FailureClass::ModelAccess => {
            if matches!(outcome.start, Start::Answered(_)) {
                provider.answered(sight, now);
            }
        }
        // What nobody can name is the provider's doing as far as others meet it, too.
        FailureClass::Unknown => {
            provider.peer_failed(claims.version_uid, &claims.model, now);
        }
        FailureClass::RegionOrEgress => {}
    }
}

impl Vault {
    /// The trial of its provider is back, and what it said is committed: where it decided nothing, the next lease is the trial again.
    pub(super) fn take_trial_back(&self, lease: &Opened) {
        if !self.may_give_back(lease) {
            return;
        }
        let snapshot = self.live.glance();
        if let Some(account) = snapshot.accounts.get(&lease.claims.account_uid)
            && account.provider.take_trial(lease.claims.given)
        {
            let trial = account.provider.trial();
            trial.returned(&self.live.canaries, lease.claims.given);
        }
    }

    /// Commits what befell this provider, and what pools are braked.
    pub(super) async fn commit_incidents(&self, provider: &Arc<ProviderLive>) -> store::Result<()> {
        if !provider.has_unsaved() && !self.live.brakes.has_unsaved() {
            return Ok(());
        }
        let saving = async {
            let _turn = self.saving.lock().await;
            self.save_incidents(self.incident_news(std::iter::once(provider)))
                .await
        };
        in_time(ANSWER_WITHIN, saving).await
    }

    /// Commits what could not be committed when it was reported, and what this replica alone has found out.
    ///
    /// # Errors
    /// As every query; it is tried again at the next call.
    pub(super) async fn commit_all_incidents(&self) -> store::Result<()> {
        let snapshot = self.live.snapshot();
        let news = self.incident_news(snapshot.providers.iter());
        self.save_incidents(news).await
    }

    fn incident_news<'a>(&self, providers: impl Iterator<Item = &'a Arc<ProviderLive>>) -> News {
        let unsaved = providers.filter(|provider| provider.has_unsaved());
        let unsaved = unsaved.flat_map(|provider| {
            let news = provider.unsaved().into_iter();
            news.map(|(kind, incident)| (Arc::clone(provider), kind, incident))
        });
        News {
            providers: unsaved.collect(),
            trips: self.live.brakes.unsaved(),
        }
    }

    /// In a task of its own: a report that is dropped must not cancel it half-way.
    async fn save_incidents(&self, news: News) -> store::Result<()> {
        if news.providers.is_empty() && news.trips.is_empty() {
            return Ok(());
        }
        let (pool, live) = (self.pool.clone(), Arc::clone(&self.live));
        let saving = async move {
            let (of_providers, of_pools) = save(&pool, &news).await?;
            let now = live.now().database;
            for ((provider, kind, incident), stored) in news.providers.iter().zip(of_providers) {
                provider.saved(*kind, incident, &stored, now);
                tell_of_incident(*kind, &provider.place().to_string(), &stored);
            }
            for ((pool, trip), stored) in news.trips.iter().zip(of_pools) {
                live.brakes.saved(*pool, trip, &stored, now);
                let pool = live
                    .glance()
                    .pools_by_uid
                    .get(pool)
                    .map(|p| p.pool.id.to_string());
                let name = format!("pools/{}", pool.unwrap_or_default());
                tell_of_incident(IncidentKind::Brake, &name, &stored);
            }
            Ok(())
        };
        let task = tokio::spawn(in_time(ANSWER_WITHIN, saving));
        task.await.map_err(|_| store::Error::unanswered())?
    }
}

/// One transaction. Answers what is stored now, in the order of the news.
async fn save(pool: &sqlx::PgPool, news: &News) -> store::Result<(Vec<Incident>, Vec<Incident>)> {
    let mut transaction = begin(pool, super::change::BEGIN).await?;
    let conn = &mut *transaction;
    let (rev, now) = cluster::next_rev(conn).await?;
    let (mut of_providers, mut of_pools) = (Vec::new(), Vec::new());
    for (provider, kind, incident) in &news.providers {
        let subject = provider.place().subject();
        of_providers.push(merge(conn, *kind, &subject, rev, incident).await?);
    }
    for (pool, trip) in &news.trips {
        let subject = pool.to_string();
        of_pools.push(merge(conn, IncidentKind::Brake, &subject, rev, &trip.incident).await?);
        let (since, until) = (trip.since, trip.back_at);
        let (burst, times) = (&trip.burst, (since, until));
        let given = key_versions::give_back(conn, burst, BRAKE, times, (rev, now)).await?;
        health_changes::forget(conn, &given).await?;
        for account in cooldowns::give_back(conn, &trip.burst, rev, (since, until)).await? {
            // Replicas then read anew what the account cools down from: it may be less.
            deletions::insert(conn, rev, "cooldowns", account).await?;
        }
    }
    transaction.commit().await?;
    Ok((of_providers, of_pools))
}

async fn merge(
    conn: &mut sqlx::PgConnection,
    kind: IncidentKind,
    subject: &str,
    rev: i64,
    incident: &Incident,
) -> store::Result<Incident> {
    let stored = incidents::lock(conn, kind, subject).await?;
    let merged = incident.clone().merged(stored.as_ref());
    let strikes = stored.map_or(0, |stored| stored.strikes);
    if kind == IncidentKind::Breaker && (merged.strikes > strikes || !merged.is_open()) {
        // Its trial has decided: whoever held the right to it, it is over.
        canaries::settled(conn, &Subject::provider_of(subject)).await?;
    }
    incidents::put(conn, kind, subject, rev, &merged).await?;
    Ok(merged)
}
