//! What is done once a minute: the clocks of idle limits go on, what is old is forgotten, and what is overdue is told.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next};
use crate::domain::time::Timestamp;
use crate::live::idle;
use crate::live::steady::Steady;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{
    self, cooldowns, foreign_reports, incidents, lease_renewals, replicas, settled, version_leases,
    version_retries,
};
use crate::vault::Vault;

/// What is not urgent.
const CHORES_EVERY: Duration = Duration::from_mins(1);
/// How long a batch of sums is known by its id: longer than any outage after which it is sent again.
const FLUSH_AGE_MAX: Duration = Duration::from_hours(24 * 30);
/// Reports that nobody took, and what was settled of replicas that are gone: longer than any lease lasts.
const REPORT_AGE_MAX: Duration = Duration::from_hours(25);
/// Replicas that were not heard of for so long: longer than any charge lasts, since one that finds itself forgotten takes it that the
/// database has lost what it granted.
const REPLICA_AGE_MAX: Duration = Duration::from_hours(24 * 40);

/// Forgets what is old, and says what is overdue.
pub(super) async fn chores(
    vault: Arc<Vault>,
    steady: watch::Receiver<Option<Steady>>,
    stop: CancellationToken,
) {
    let mut ticks = every(CHORES_EVERY);
    while is_next(&mut ticks, &stop).await {
        // In a task of its own: a commit is never cancelled.
        let (live, pool) = (Arc::clone(vault.live()), vault.pool().clone());
        let moved = tokio::spawn(async move { idle::move_clocks(&live, &pool).await }).await;
        if let Ok(Err(error)) = moved {
            tracing::warn!(%error, "the clocks of idle limits stand still, it is tried again in a minute");
        }
        let forgotten = async {
            let mut conn = acquire(vault.pool()).await?;
            cooldowns::forget(&mut conn).await?;
            store::version_cooldowns::forget(&mut conn).await?;
            incidents::forget(&mut conn).await?;
            store::canaries::forget(&mut conn).await?;
            version_retries::forget(&mut conn).await?;
            let believed = *steady.borrow();
            match believed.filter(|steady| !steady.is_doubted()) {
                Some(steady) => forget_aged(&mut conn, steady.time(vault.live().now())).await,
                None => Ok(()),
            }
        };
        if let Err(error) = in_time(ANSWER_WITHIN, forgotten).await {
            tracing::warn!(%error, "old replicas, cooldowns and reports could not be forgotten, it is tried again in a minute");
        }
        for (account, count) in vault.overdue() {
            if count > 0 {
                tracing::warn!(account, count, "keys are overdue for rotation");
            }
        }
    }
}

/// What somebody may still have to know unless it is old: nothing is since the database's clock was set forward, and `now` is without that.
async fn forget_aged(conn: &mut PgConnection, now: Timestamp) -> store::Result<()> {
    replicas::forget(conn, now.before(REPLICA_AGE_MAX)).await?;
    lease_renewals::forget(conn, now.before(REPORT_AGE_MAX)).await?;
    settled::forget(conn, now.before(REPORT_AGE_MAX)).await?;
    version_leases::forget(conn, now).await?;
    store::spend::forget(conn, now.before(FLUSH_AGE_MAX)).await?;
    foreign_reports::forget(conn, now.before(REPORT_AGE_MAX)).await
}
