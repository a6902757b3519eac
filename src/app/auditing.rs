//! This replica's part in the audit: its chain begins with it, and it looks at the chains of the others now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next};
use crate::vault::Vault;

/// How soon it is told that a chain was removed or set back.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Looks until the replica ends.
pub(super) async fn watch(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(LOOK_EVERY);
    let mut has_begun = false;
    while is_next(&mut ticks, &stop).await {
        let looked = async {
            if !has_begun {
                vault.begin_audit().await?;
                has_begun = true;
            }
            vault.watch_audit().await
        };
        if let Err(error) = looked.await {
            tracing::warn!(%error, "the chains of the audit could not be looked at, it is tried again in a minute");
        }
    }
}
