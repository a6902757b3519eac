//! The poll: once a second this replica says that it lives, takes up what changed, and tells whether it is ready.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::observe;
use super::supervision::{every, round};
use crate::live::clock::boot_now;
use crate::live::heartbeat::Heart;
use crate::store;
use crate::vault::Vault;

/// How soon a change is known everywhere.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// How long one poll may take before it counts as failed.
const POLL_MAX: Duration = Duration::from_secs(5);

/// Says once a second that this replica lives, and takes up what changed; tells whether it could.
pub(super) async fn poll(
    vault: Arc<Vault>,
    heart: Arc<Heart>,
    told: watch::Sender<bool>,
    stop: CancellationToken,
) {
    let mut ticks = every(POLL_EVERY);
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
pub(super) async fn show(
    vault: Arc<Vault>,
    health: HealthReporter,
    mut well: watch::Receiver<bool>,
    stop: CancellationToken,
    failed: CancellationToken,
) {
    let mut ticks = every(POLL_EVERY);
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
        vault.refresh(pulse.rev).await?;
    } else {
        live.learned(None, began);
    }
    // The database is there again: what could not be said to the fleet is said now.
    Ok(vault.commit_owed().await?)
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
