//! Rotations: the steps that are due, and beside them, whatever those wait for, the versions that have drained and the keys that are due.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::live::steady::Steady;
use crate::vault::{Error, Steps, Vault};

/// How long a step may wait that nobody waits for, or a version that has drained.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How soon the place of a step that has ended is taken again: soon, and not without a breath, whatever a step comes to.
const REFILL_AFTER: Duration = Duration::from_millis(50);
/// Keys that are due are looked for every tenth time: there may be a hundred thousand to look at.
const DUE_TICKS: u32 = 10;

/// Takes steps until it is asked to stop, and ends those that are under way then. What it leaves is taken again by another replica.
pub(super) async fn step(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(LOOK_EVERY);
    let mut steps = Steps::of(vault);
    loop {
        tokio::select! {
            goes_on = is_next(&mut ticks, &stop) => {
                if !goes_on {
                    break;
                }
                if let Err(error) = steps.begin().await {
                    tracing::warn!(%error, "no step of a rotation can be taken, it is tried again");
                }
            }
            true = steps.ended() => ticks.reset_after(REFILL_AFTER),
        }
    }
    while steps.ended().await {}
}

/// Begins rotations that are due, and ends previous versions, until it is asked to stop. Says how it found the database's clock, for others
/// who ask whether something is old.
pub(super) async fn rotate(
    vault: Arc<Vault>,
    found: watch::Sender<Option<Steady>>,
    stop: CancellationToken,
) {
    let mut ticks = every(LOOK_EVERY);
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
        if steady.is_none() && vault.live().clock.is_known() {
            steady = first_look(&vault).await;
        }
        if let Some(steady) = &mut steady {
            end_graces(&vault, steady, number % DUE_TICKS == 0).await;
        }
        found.send_replace(steady);
    }
}

/// From when on the database's clock is watched; none while nobody knows whether it is to be doubted.
async fn first_look(vault: &Arc<Vault>) -> Option<Steady> {
    let looking = Arc::clone(vault);
    let now = vault.live().now();
    let look = async move {
        let (is_behind, is_ahead) = (
            looking.is_clock_behind().await?,
            looking.is_clock_ahead().await?,
        );
        Ok::<_, Error>((is_behind, is_ahead))
    };
    match round(look).await {
        Ok(Ok((false, false))) => Some(Steady::new(now)),
        Ok(Ok((true, _))) => {
            tracing::warn!(
                "the database's clock is behind what is stored, so it is wrong or was: for an hour times of the future are left as they are, and previous versions are kept"
            );
            Some(Steady::doubted(now))
        }
        Ok(Ok((false, true))) => {
            tracing::warn!(
                "by the database's clock nobody was there for a while, unless it is ahead: previous versions are kept for an hour"
            );
            Some(Steady::doubted(now))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "previous versions are kept until the database's clock has been looked at");
            None
        }
        Err(_) => None,
    }
}

/// A grace that seems to be over since the database's clock was set forward goes on: nobody could take back that its version is revoked. One
/// that began while the clock was ahead is cut short once that has been put right. While the clock is doubted, no grace is over.
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
    if steady.is_doubted() {
        return;
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
