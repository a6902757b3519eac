//! Rotations: once a second the steps that are due, and now and then the keys that are.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::live::steady::Steady;
use crate::vault::{Error, Vault};

/// How long a step may wait that nobody waits for.
const STEP_EVERY: Duration = Duration::from_secs(1);
/// Keys that are due are looked for every tenth time: there may be a hundred thousand to look at.
const DUE_TICKS: u32 = 10;

/// Takes steps until it is asked to stop. One that is under way then is taken again by another replica.
pub(super) async fn rotate(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(STEP_EVERY);
    let mut steady = None;
    for number in 0_u32.. {
        if !is_next(&mut ticks, &stop).await {
            return;
        }
        if number % DUE_TICKS == 0 {
            let beginning = Arc::clone(&vault);
            tried(async move { beginning.begin_due_rotations().await.map(drop) }).await;
        }
        let answering = Arc::clone(&vault);
        tried(async move { Ok(answering.answer_drains().await?) }).await;
        if vault.live().clock.is_known() {
            let now = vault.live().now();
            let steady = steady.get_or_insert_with(|| Steady::new(now));
            end_graces(&vault, steady, number % DUE_TICKS == 0).await;
        }
        let stepping = Arc::clone(&vault);
        tried(async move { stepping.advance_rotations().await.map(drop) }).await;
    }
}

/// A grace that seems to be over since the database's clock was set forward goes on: nobody could take back that its version is revoked. One
/// that began while the clock was ahead is cut short once that has been put right.
async fn end_graces(vault: &Arc<Vault>, steady: &mut Steady, is_due: bool) {
    let now = vault.live().now();
    let (ahead, is_steady) = (steady.ahead(now), steady.look(now));
    if is_due && is_steady {
        let mending = Arc::clone(vault);
        tried(async move { mending.mend_times().await }).await;
    }
    if is_due && !ahead.is_zero() {
        tracing::warn!(
            ahead.seconds = ahead.as_secs(),
            "the database's clock was set forward, previous versions are kept for so much longer until this replica starts anew"
        );
    }
    let (revoking, now) = (Arc::clone(vault), steady.time(now));
    tried(async move { revoking.revoke_drained(now).await.map(drop) }).await;
}

/// What fails in one of them keeps none of the others.
async fn tried(work: impl Future<Output = Result<(), Error>> + Send + 'static) {
    if let Ok(Err(error)) = round(work).await {
        tracing::warn!(%error, "a step of a rotation failed, it is taken again");
    }
}
