//! What runs beside the server: the poll, the ledger, reports between replicas, and what is done once a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::observe;
use crate::live::heartbeat::Heart;
use crate::live::{clock::boot_now, ledger, outbox};
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{self, foreign_reports, lease_renewals, replicas, settled};
use crate::vault::Vault;

/// How soon a change is known everywhere.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// How long one poll may take before it counts as failed.
const POLL_MAX: Duration = Duration::from_secs(5);
/// How old a count of all keys may be.
const SURVEY_EVERY: Duration = Duration::from_secs(10);
/// How often reports are looked for whose issuer is gone.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(5);
/// What is not urgent.
const CHORES_EVERY: Duration = Duration::from_mins(1);
/// Reports that nobody took, and what was settled of replicas that are gone: longer than any lease lasts.
const REPORT_AGE_MAX: Duration = Duration::from_hours(25);

/// The workers of one replica.
#[derive(Debug)]
pub struct Workers {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Workers {
    /// Starts them.
    #[must_use]
    pub fn start(vault: &Arc<Vault>, heart: Heart, health: HealthReporter) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(poll(
            Arc::clone(vault),
            Arc::new(heart),
            health,
            stop.clone(),
        ));
        let (live, pool) = (Arc::clone(vault.live()), vault.pool().clone());
        tasks.spawn(ledger::run(live, pool, stop.clone()));
        tasks.spawn(exchange(Arc::clone(vault), stop.clone()));
        tasks.spawn(take_over(Arc::clone(vault), stop.clone()));
        tasks.spawn(survey(Arc::clone(vault), stop.clone()));
        tasks.spawn(chores(Arc::clone(vault), stop.clone()));
        Self { tasks, stop }
    }

    /// Ends them: permits are returned, and reports that wait are written.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Says once a second that this replica lives, and takes up what changed.
async fn poll(
    vault: Arc<Vault>,
    heart: Arc<Heart>,
    health: HealthReporter,
    stop: CancellationToken,
) {
    let mut ticks = interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_well = true;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = vault.live().life.doubted() => {}
            () = stop.cancelled() => return,
        }
        let polled = tokio::time::timeout(POLL_MAX, beat(&vault, &heart)).await;
        let is_well = matches!(polled, Ok(Ok(())));
        if was_well != is_well {
            tell(&health, is_well && !vault.live().is_draining()).await;
            if is_well {
                tracing::info!("the database can be reached again");
            } else {
                tracing::warn!("the database cannot be reached, leases go on from what is held");
            }
        }
        was_well = is_well;
        observe::glance(&vault);
    }
}

async fn beat(vault: &Vault, heart: &Arc<Heart>) -> crate::vault::Result<()> {
    let began = boot_now();
    let live = vault.live();
    // In a task of its own: a commit is never cancelled, however long it takes.
    let beating = Arc::clone(heart);
    let pulse = tokio::spawn(async move { beating.beat().await });
    let pulse = pulse.await.map_err(|_| store::Error::unanswered())??;
    if pulse.rev > live.snapshot().rev {
        return vault.refresh(pulse.rev).await;
    }
    live.learned(None, began);
    Ok(())
}

/// Ready or not, by every name a probe may use.
pub(super) async fn tell(health: &HealthReporter, is_ready: bool) {
    let status = if is_ready {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    for service in READINESS {
        health.set_service_status(service, status).await;
    }
}

/// The names under which readiness is asked for.
const READINESS: [&str; 3] = ["", "keylease.v1.LeaseService", "keylease.v1.AdminService"];

/// Carries reports to and from other replicas.
async fn exchange(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = interval(outbox::FLUSH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => {}
        }
        if let Err(error) = carry(&vault).await {
            tracing::warn!(%error, "reports could not be exchanged, their leases keep their full charge");
        }
    }
}

async fn carry(vault: &Vault) -> store::Result<()> {
    vault.send_reports().await?;
    if vault.live().replicas() > 1 {
        vault.receive_reports().await?;
    }
    Ok(())
}

/// Settles what was reported on leases of replicas that are gone.
async fn take_over(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = interval(TAKE_OVER_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = vault.take_over_reports().await {
            tracing::warn!(%error, "reports of replicas that are gone could not be settled, it is tried again");
        }
    }
}

/// Looks at every key, of which there may be many.
async fn survey(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = interval(SURVEY_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => observe::survey(&vault),
            () = stop.cancelled() => return,
        }
    }
}

/// Revokes what has drained, forgets what is old, and says what is overdue.
async fn chores(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = interval(CHORES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = vault.live().now().database;
        if let Err(error) = vault.revoke_drained(now).await {
            tracing::warn!(%error, "drained versions could not be revoked, it is tried again in a minute");
        }
        let forgotten = async {
            let mut conn = acquire(vault.pool()).await?;
            replicas::forget(&mut conn).await?;
            lease_renewals::forget(&mut conn, REPORT_AGE_MAX).await?;
            settled::forget(&mut conn, REPORT_AGE_MAX).await?;
            foreign_reports::forget(&mut conn, REPORT_AGE_MAX).await
        };
        if let Err(error) = in_time(ANSWER_WITHIN, forgotten).await {
            tracing::warn!(%error, "old replicas and reports could not be forgotten, it is tried again in a minute");
        }
        for (account, count) in vault.overdue() {
            if count > 0 {
                tracing::warn!(account, count, "keys are overdue for rotation");
            }
        }
    }
}
