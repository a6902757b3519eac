//! Probes of keys at their providers, once a second what is due, and at once what is suspected.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, round};
use crate::vault::{PROBE_ROUND_EVERY, Probes, Vault};

/// Probes until it is asked to stop.
pub(super) async fn probe(vault: Arc<Vault>, stop: CancellationToken) {
    let probes = Probes::new(vault);
    let mut ticks = every(PROBE_ROUND_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = probes.suspected() => {}
            () = stop.cancelled() => break,
        }
        let probing = Arc::clone(&probes);
        // While the database is away the poll says so.
        if let Ok(Err(error)) = round(async move { probing.round().await }).await {
            tracing::debug!(%error, "probes wait for the database");
        }
    }
    if let Err(error) = probes.end().await {
        tracing::debug!(%error, "what this replica has claimed to probe ends by itself");
    }
}
