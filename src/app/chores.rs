//! What is done once a minute: the clocks of idle limits go on, what is old is forgotten, and what is overdue is told.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next};
use crate::live::idle;
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

/// Forgets what is old, and says what is overdue.
pub(super) async fn chores(vault: Arc<Vault>, stop: CancellationToken) {
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
            replicas::forget(&mut conn).await?;
            cooldowns::forget(&mut conn).await?;
            store::version_cooldowns::forget(&mut conn).await?;
            incidents::forget(&mut conn).await?;
            store::canaries::forget(&mut conn).await?;
            lease_renewals::forget(&mut conn, REPORT_AGE_MAX).await?;
            settled::forget(&mut conn, REPORT_AGE_MAX).await?;
            version_leases::forget(&mut conn).await?;
            version_retries::forget(&mut conn).await?;
            store::spend::forget(&mut conn, FLUSH_AGE_MAX).await?;
            foreign_reports::forget(&mut conn, REPORT_AGE_MAX).await
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
