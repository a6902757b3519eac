//! Rotations: once a second the steps that are due.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::vault::Vault;

/// How long a step may wait that nobody waits for.
const STEP_EVERY: Duration = Duration::from_secs(1);

/// Takes steps until it is asked to stop. One that is under way then is taken again by another replica.
pub(super) async fn rotate(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(STEP_EVERY);
    while is_next(&mut ticks, &stop).await {
        let stepping = Arc::clone(&vault);
        // While the database is away the poll says so.
        if let Ok(Err(error)) = round(async move { stepping.advance_rotations().await }).await {
            tracing::warn!(%error, "a step of a rotation failed, it is taken again");
        }
    }
}
