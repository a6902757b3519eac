//! The steps that one replica takes at once. Each may wait for a rotator or a provider, and one that does not answer holds up no other.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{Id, JoinSet};

use crate::vault::{Result, Vault};

/// Rotations that one replica takes a step of at once.
const AT_ONCE: usize = 8;
/// Of these, so many may wait for the same rotator, or the provider of the same account: one that hangs leaves places to the others.
const WAITING_MAX: usize = 2;

/// Steps under way.
#[derive(Debug)]
pub struct Steps {
    vault: Arc<Vault>,
    under_way: JoinSet<Result<()>>,
    waits_for: HashMap<Id, String>,
}

impl Steps {
    /// None yet.
    #[must_use]
    pub fn of(vault: Arc<Vault>) -> Self {
        Self {
            vault,
            under_way: JoinSet::new(),
            waits_for: HashMap::new(),
        }
    }

    /// Begins steps that are due, while there are places for them. Any replica may do so at any time.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn begin(&mut self) -> Result<()> {
        while self.under_way.len() < AT_ONCE {
            let Some(claimed) = self.vault.claim_rotation(None, &self.full()).await? else {
                break;
            };
            let (vault, waits_for) = (Arc::clone(&self.vault), claimed.waits_for.clone());
            let step = async move { vault.take_step(claimed).await };
            self.waits_for
                .insert(self.under_way.spawn(step).id(), waits_for);
        }
        Ok(())
    }

    /// Until one has ended. False where none is under way.
    pub async fn ended(&mut self) -> bool {
        let Some(ended) = self.under_way.join_next_with_id().await else {
            return false;
        };
        let id = match ended {
            Ok((id, Ok(()))) => id,
            Ok((id, Err(error))) => {
                tracing::warn!(%error, "a step of a rotation failed, it is taken again");
                id
            }
            Err(panicked) => {
                tracing::error!(%panicked, "a step of a rotation was abandoned, it is taken again");
                panicked.id()
            }
        };
        self.waits_for.remove(&id);
        true
    }

    /// What as many wait for as may.
    fn full(&self) -> Vec<String> {
        let mut waiting: HashMap<&str, usize> = HashMap::new();
        for waits_for in self.waits_for.values() {
            *waiting.entry(waits_for).or_default() += 1;
        }
        let full = waiting
            .into_iter()
            .filter(|(_, count)| *count >= WAITING_MAX);
        full.map(|(waits_for, _)| waits_for.to_owned()).collect()
    }
}
