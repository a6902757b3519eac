//! Rotations: once a second the steps that are due, and now and then the keys that are.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::vault::Vault;

/// How long a step may wait that nobody waits for.
const STEP_EVERY: Duration = Duration::from_secs(1);
/// Keys that are due are looked for every tenth time: there may be a hundred thousand to look at.
const DUE_TICKS: u32 = 10;

/// Takes steps until it is asked to stop. One that is under way then is taken again by another replica.
pub(super) async fn rotate(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(STEP_EVERY);
    for number in 0_u32.. {
        if !is_next(&mut ticks, &stop).await {
            return;
        }
        let stepping = Arc::clone(&vault);
        let stepped = round(async move {
            if number % DUE_TICKS == 0 {
                stepping.begin_due_rotations().await?;
            }
            stepping.answer_drains().await?;
            stepping
                .revoke_drained(stepping.live().now().database)
                .await?;
            stepping.advance_rotations().await
        });
        if let Ok(Err(error)) = stepped.await {
            tracing::warn!(%error, "a step of a rotation failed, it is taken again");
        }
    }
}
