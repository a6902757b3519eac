//! How full every limit is, over all replicas: for gauges, so that somebody sees a limit fill before it refuses.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Vault;
use crate::domain::id::Id;
use crate::domain::limit::Limit;
use crate::store;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::limit_charges::{self, Charge};

/// The most limits in one query.
const BATCH_MAX: usize = 1_000;

/// What is charged to one limit.
#[derive(Debug)]
pub struct Charged {
    /// Whose limit it is.
    pub account: Id,
    /// The limit.
    pub limit: Arc<Limit>,
    /// Units that somebody used, or may still.
    pub units: u64,
}

impl Vault {
    /// What is charged to every limit that this replica knows.
    ///
    /// # Errors
    /// As every query.
    pub async fn charged(&self) -> store::Result<Vec<Charged>> {
        let snapshot = self.live.snapshot();
        let accounts = snapshot.accounts.values();
        let limits = accounts.flat_map(|entry| {
            let account = &entry.account.id;
            entry.limits.iter().map(move |limit| (account, limit))
        });
        let limits: Vec<_> = limits.collect();
        let mut charged = Vec::with_capacity(limits.len());
        for batch in limits.chunks(BATCH_MAX) {
            let uids: Vec<Uuid> = batch.iter().map(|(_, limit)| limit.uid).collect();
            let charges = self.charges(&uids).await?;
            charged.extend(batch.iter().map(|(account, limit)| Charged {
                account: (*account).clone(),
                limit: Arc::clone(limit),
                units: charges.get(&limit.uid).map_or(0, |charge| charge.units),
            }));
        }
        Ok(charged)
    }

    /// What is charged to some limits. One that cannot be read hides the others no more than itself.
    async fn charges(&self, limits: &[Uuid]) -> store::Result<HashMap<Uuid, Charge>> {
        match self.read_charges(limits).await {
            Err(error) if !error.is_unreachable() => {
                tracing::warn!(%error, "what is charged to some limits cannot be read, each is read alone");
            }
            read => return read,
        }
        let mut charges = HashMap::with_capacity(limits.len());
        for limit in limits {
            match self.read_charges(std::slice::from_ref(limit)).await {
                Ok(one) => charges.extend(one),
                Err(error) if error.is_unreachable() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, limit.uid = %limit, "what is charged to a limit cannot be read");
                }
            }
        }
        Ok(charges)
    }

    async fn read_charges(&self, limits: &[Uuid]) -> store::Result<HashMap<Uuid, Charge>> {
        let read = async {
            let mut conn = acquire(&self.pool).await?;
            limit_charges::of_limits(&mut conn, limits).await
        };
        in_time(ANSWER_WITHIN, read).await
    }
}
