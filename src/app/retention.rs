//! How long the audit is kept: once an hour every replica looks, and whoever comes first removes what is old.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::domain::chain::Chain;
use crate::vault::{Pruner, Vault};

/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// How long the audit is kept; none for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// Records of changes.
    pub changes: Option<Duration>,
    /// Records of leases.
    pub leases: Option<Duration>,
}

/// Removes what is old until the replica ends.
pub(super) async fn retain(vault: Arc<Vault>, retention: Retention, stop: CancellationToken) {
    let mut ticks = every(PRUNE_EVERY);
    while is_next(&mut ticks, &stop).await {
        let ages = [
            (Chain::Changes, retention.changes),
            (Chain::Leases, retention.leases),
        ];
        for (chain, age) in ages {
            let Some(age) = age else { continue };
            let pruning = Arc::clone(&vault);
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
