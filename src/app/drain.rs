//! The end of a replica: not ready, no new calls, open calls end, permits go back; and whatever hangs, the process ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::server::HealthReporter;

use super::poll::tell;
use super::workers::Workers;
use crate::store::connection::acquire;
use crate::store::replicas;
use crate::vault::Vault;

/// How long open calls may take to end after the drain has begun.
const DRAIN_MAX: Duration = Duration::from_secs(8);
/// How long pages and health checks may take to end after that.
const LINGER_MAX: Duration = Duration::from_secs(1);
/// From the signal to the end: less than the 30 s after which a process that was asked to end is usually killed.
const END_WITHIN: Duration = Duration::from_secs(29);
/// The longest delay before the drain: what is left of it all is enough to give the permits back.
pub(super) const DELAY_MAX: Duration = Duration::from_secs(15);

/// After `shutdown`: not ready, then time for the balancers to notice, then no new leases and no new calls.
pub(super) async fn drain(
    shutdown: impl Future<Output = ()> + Send + 'static,
    health: HealthReporter,
    vault: Arc<Vault>,
    delay: Duration,
    draining: CancellationToken,
) {
    shutdown.await;
    tell(&health, false).await;
    sleep(delay).await;
    vault.live().drain();
    draining.cancel();
}

/// Serves until the drain, and the calls that are open then for a while; then the rest may end.
pub(super) async fn until_drained<E>(
    serve: impl Future<Output = Result<(), E>>,
    draining: CancellationToken,
    ended: CancellationToken,
) -> Result<(), E> {
    let served = cut_off(serve, draining, DRAIN_MAX, "calls").await;
    ended.cancel();
    served
}

/// Serves what is asked beside the calls, until they have ended.
pub(super) async fn until_ended<E>(
    serve: impl Future<Output = Result<(), E>>,
    ended: CancellationToken,
) -> Result<(), E> {
    cut_off(serve, ended, LINGER_MAX, "pages or health checks").await
}

/// A client that watches may never go away by itself.
async fn cut_off<E>(
    serve: impl Future<Output = Result<(), E>>,
    told: CancellationToken,
    within: Duration,
    what: &'static str,
) -> Result<(), E> {
    let overdue = async {
        told.cancelled().await;
        sleep(within).await;
    };
    tokio::select! {
        served = serve => served,
        () = overdue => {
            tracing::warn!("{what} are still open, they are cut off");
            Ok(())
        }
    }
}

/// Gives back what is held and takes leave. A database that does not answer is not waited for: what was not given back stays charged
/// for a while, and another replica forgets this one.
pub(super) async fn end(workers: Workers, vault: &Vault, delay: Duration) {
    let ending = async {
        workers.stop().await;
        leave(vault).await;
    };
    let left = END_WITHIN.saturating_sub(delay + DRAIN_MAX + LINGER_MAX);
    if timeout(left, ending).await.is_err() {
        tracing::warn!(
            "the database does not answer, the replica ends without giving back what it holds"
        );
    }
}

/// So that the others share what this replica no longer takes.
async fn leave(vault: &Vault) {
    let left = async {
        vault.leave_leases().await?;
        let mut connection = acquire(vault.pool()).await?;
        replicas::leave(&mut connection, vault.live().boot_id).await
    };
    if let Err(error) = left.await {
        tracing::warn!(%error, "the replica could not take its leave, it will be forgotten in a few seconds");
    }
    vault.pool().close().await;
}
