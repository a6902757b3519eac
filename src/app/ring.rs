//! The master keys while a replica serves: what it was given is read again when it changes, and data keys are wrapped anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::config::MasterKeySources;
use super::supervision::{every, is_next, round};
use crate::crypto::KeyRing;
use crate::vault::{Result, RewrapStep, RingChange, Vault};

/// How soon a key that was added or taken out is noticed.
const READ_EVERY: Duration = Duration::from_secs(5);
/// How soon a rewrap begins, or goes on after the replica that worked at it has gone.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Reads the sources of master keys again and again. What cannot be read changes nothing and is told once.
pub(super) async fn keep(vault: Arc<Vault>, sources: MasterKeySources, stop: CancellationToken) {
    let sources = Arc::new(sources);
    let mut ticks = every(READ_EVERY);
    let mut told = Told::default();
    while is_next(&mut ticks, &stop).await {
        let (reading, holding) = (Arc::clone(&sources), Arc::clone(&vault));
        let kept = round(async move {
            let read = tokio::task::spawn_blocking(move || reading.read(&mut Vec::new())).await;
            let read = read.unwrap_or_else(|error| Err(error.to_string()));
            match read {
                Ok(Some(ring)) => hold(&holding, ring).await.map(Ok),
                Ok(None) => Ok(Err("no master key is given any more".to_owned())),
                Err(problem) => Ok(Err(problem)),
            }
        });
        match kept.await {
            Ok(Ok(Ok(change))) => told.changed(change),
            Ok(Ok(Err(problem))) => told.unread(problem),
            Ok(Err(error)) => {
                tracing::debug!(%error, "master keys could not be taken up, it is tried again")
            }
            Err(error) => {
                tracing::error!(%error, "master keys could not be taken up, it is tried again")
            }
        }
    }
}

async fn hold(vault: &Arc<Vault>, ring: KeyRing) -> Result<RingChange> {
    let change = vault.hold_ring(ring).await?;
    vault.promote_replacement().await?;
    Ok(change)
}

/// What has been told of the sources already.
#[derive(Debug, Default)]
struct Told {
    problem: String,
    change: RingChange,
}

impl Told {
    fn changed(&mut self, change: RingChange) {
        if !self.problem.is_empty() {
            self.problem.clear();
            tracing::info!("the master keys can be read again");
        }
        for fingerprint in &change.added {
            tracing::info!(%fingerprint, "a master key is new here");
        }
        for fingerprint in &change.dropped {
            tracing::info!(%fingerprint, "a master key is not held any more");
        }
        for fingerprint in change
            .kept
            .iter()
            .filter(|key| !self.change.kept.contains(key))
        {
            tracing::error!(
                %fingerprint,
                "a master key was taken out that something cannot be read without, it is held until this replica ends: put it back"
            );
        }
        self.change = change;
    }

    fn unread(&mut self, problem: String) {
        if self.problem != problem {
            tracing::error!(
                problem,
                "the master keys cannot be read, those that are held stay"
            );
            self.problem = problem;
        }
    }
}

/// Wraps data keys anew where that was asked for, at the pace that was asked for.
pub(super) async fn rewrap(vault: Arc<Vault>, stop: CancellationToken) {
    let mut pause = LOOK_EVERY;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        let began = Instant::now();
        let working = Arc::clone(&vault);
        // In a task of its own: a commit is never cancelled.
        pause = match tokio::spawn(async move { working.rewrap_step().await }).await {
            Ok(Ok(step @ RewrapStep::Batch { .. })) => step.pause().saturating_sub(began.elapsed()),
            Ok(Ok(RewrapStep::Ended(_, state))) => {
                tracing::info!(state = state.as_str(), "wrapping everything anew has ended");
                LOOK_EVERY
            }
            Ok(Ok(RewrapStep::Idle)) => LOOK_EVERY,
            Ok(Err(error)) => {
                tracing::warn!(%error, "data keys could not be wrapped anew, it is tried again");
                LOOK_EVERY
            }
            Err(error) => {
                tracing::error!(%error, "wrapping anew was abandoned, it is tried again");
                LOOK_EVERY
            }
        };
    }
}
