//! What runs beside the server: the poll, the ledger, reports between replicas, and what is done once a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::observe;
use super::supervision::{round, supervise};
use crate::live::heartbeat::Heart;
use crate::live::{clock::boot_now, idle, ledger, outbox};
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
    supervised: JoinHandle<()>,
    stop: CancellationToken,
    failed: CancellationToken,
}

impl Workers {
    /// Starts them.
    #[must_use]
    pub fn start(vault: &Arc<Vault>, heart: Heart, health: HealthReporter) -> Self {
        let (stop, failed) = (CancellationToken::new(), CancellationToken::new());
        let (told, well) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(poll(Arc::clone(vault), Arc::new(heart), told, stop.clone()));
        tasks.spawn(show(
            Arc::clone(vault),
            health,
            well,
            stop.clone(),
            failed.clone(),
        ));
        let (live, pool) = (Arc::clone(vault.live()), vault.pool().clone());
        tasks.spawn(ledger::run(live, pool, stop.clone()));
        tasks.spawn(exchange(Arc::clone(vault), stop.clone()));
        tasks.spawn(take_over(Arc::clone(vault), stop.clone()));
        tasks.spawn(survey(Arc::clone(vault), stop.clone()));
        tasks.spawn(chores(Arc::clone(vault), stop.clone()));
        let supervised = tokio::spawn(supervise(tasks, stop.clone(), failed.clone()));
        Self {
            supervised,
            stop,
            failed,
        }
    }

    /// Cancelled where one of them has ended unasked.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.failed.clone()
    }

    /// Ends them: permits are returned, and reports that wait are written.
    pub async fn stop(self) {
        self.stop.cancel();
        // It does nothing that could fail.
        let _ = self.supervised.await;
    }
}

/// Says once a second that this replica lives, and takes up what changed; tells whether it could.
async fn poll(
    vault: Arc<Vault>,
    heart: Arc<Heart>,
    told: watch::Sender<bool>,
    stop: CancellationToken,
) {
    let mut ticks = interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = vault.live().life.doubted() => {}
            () = stop.cancelled() => return,
        }
        let beating = round(beat(Arc::clone(&vault), Arc::clone(&heart)));
        let polled = tokio::time::timeout(POLL_MAX, beating).await;
        if let Ok(Err(error)) = &polled {
            tracing::error!(%error, "a poll was abandoned, what changed is not known");
        }
        let is_well = matches!(polled, Ok(Ok(Ok(()))));
        let was_well = told.send_replace(is_well);
        if is_well && !was_well {
            tracing::info!("the database can be read again");
        } else if was_well && !is_well {
            tracing::warn!("the database cannot be read, leases go on from what is held");
        }
    }
}

/// Shows how this replica is, and tells whether it is ready: not from within the poll, so that it is told whatever becomes of that.
async fn show(
    vault: Arc<Vault>,
    health: HealthReporter,
    mut well: watch::Receiver<bool>,
    stop: CancellationToken,
    failed: CancellationToken,
) {
    let mut ticks = interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_ready = true;
    loop {
        let is_polled = tokio::select! {
            _ = ticks.tick() => true,
            polled = well.changed() => polled.is_ok(),
            () = stop.cancelled() => return,
        };
        observe::glance(&vault);
        let live = vault.live();
        let is_ready = *well.borrow_and_update() && live.is_fresh(boot_now());
        let is_ending = live.is_draining() || failed.is_cancelled();
        if is_ready != was_ready {
            tell(&health, is_ready && !is_ending).await;
        }
        if !is_polled {
            return;
        }
        was_ready = is_ready;
    }
}

async fn beat(vault: Arc<Vault>, heart: Arc<Heart>) -> crate::vault::Result<()> {
    let began = boot_now();
    let live = vault.live();
    // Read before the database is asked: a revision that is known by now, the answer has at least, unless changes were lost.
    let known = live.snapshot().rev;
    // In a task of its own: a commit is never cancelled, however long it takes.
    let pulse = tokio::spawn(async move { heart.beat().await });
    let pulse = pulse.await.map_err(|_| store::Error::unanswered())??;
    if pulse.rev < known {
        live.life.upset();
    }
    if pulse.rev > live.snapshot().rev || !live.is_of_epoch() {
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
        let carrying = Arc::clone(&vault);
        if let Ok(Err(error)) = round(async move { carry(&carrying).await }).await {
            tracing::warn!(%error, "reports could not be exchanged, their leases keep their full charge");
        }
    }
}

async fn carry(vault: &Vault) -> store::Result<()> {
    vault.send_reports().await?;
    // Also where this replica seems to be alone: one that has left may have written reports before.
    vault.receive_reports().await
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
        let revoking = Arc::clone(&vault);
        let revoked = round(async move { revoking.revoke_drained(now).await });
        if let Ok(Err(error)) = revoked.await {
            tracing::warn!(%error, "drained versions could not be revoked, it is tried again in a minute");
        }
        // In a task of its own: a commit is never cancelled.
        let (live, pool) = (Arc::clone(vault.live()), vault.pool().clone());
        let moved = tokio::spawn(async move { idle::move_clocks(&live, &pool).await }).await;
        if let Ok(Err(error)) = moved {
            tracing::warn!(%error, "the clocks of idle limits stand still, it is tried again in a minute");
        }
        let forgotten = async {
            let mut conn = vault.pool().acquire().await?;
            replicas::forget(&mut conn).await?;
            lease_renewals::forget(&mut conn, REPORT_AGE_MAX).await?;
            settled::forget(&mut conn, REPORT_AGE_MAX).await?;
            foreign_reports::forget(&mut conn, REPORT_AGE_MAX).await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "old replicas and reports could not be forgotten, it is tried again in a minute");
        }
        for (account, count) in vault.overdue() {
            if count > 0 {
                tracing::warn!(account, count, "keys are overdue for rotation");
            }
        }
    }
}
