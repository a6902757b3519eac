//! How long the audit is kept: once an hour every replica looks, and whoever comes first removes what is old.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::domain::chain::Chain;
use crate::live::steady::Steady;
use crate::vault::{Pruner, Vault};

/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Until the database's clock has been sampled.
const SETTLES: Duration = Duration::from_mins(1);

/// How long the audit is kept; none for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// Records of changes.
    pub changes: Option<Duration>,
    /// Records of leases.
    pub leases: Option<Duration>,
}

/// Removes what is old until the replica ends, from an hour after it began: by then a clock that is wrong may have been seen.
pub(super) async fn retain(vault: Arc<Vault>, retention: Retention, stop: CancellationToken) {
    // The first tick of each comes at once: the clock is looked at when it has been sampled, and removing begins a whole period later.
    let mut settling = every(SETTLES);
    if !is_next(&mut settling, &stop).await || !is_next(&mut settling, &stop).await {
        return;
    }
    let steady = Steady::new(vault.live().now());
    let mut ticks = every(PRUNE_EVERY);
    if !is_next(&mut ticks, &stop).await {
        return;
    }
    while is_next(&mut ticks, &stop).await {
        let ahead = steady.ahead(vault.live().now());
        if !ahead.is_zero() {
            tracing::warn!(
                ahead.seconds = ahead.as_secs(),
                "the database's clock was set forward, the audit is kept for so much longer until this replica starts anew"
            );
        }
        let ages = [
            (Chain::Changes, retention.changes),
            (Chain::Leases, retention.leases),
        ];
        for (chain, age) in ages {
            let Some(age) = age else { continue };
            let pruning = Arc::clone(&vault);
            let age = age.saturating_add(ahead);
            let by = Pruner {
                reason: "retention".to_owned(),
                ..Pruner::default()
            };
            let pruned = round(async move { pruning.prune_audit(chain, age, &by).await });
            if let Ok(Err(error)) = pruned.await {
                tracing::warn!(%error, audit.chain = chain.as_str(), "old rows of the audit could not be removed, it is tried again in an hour");
            }
        }
    }
}
