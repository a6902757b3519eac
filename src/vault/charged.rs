//! How full every limit is, over all replicas: for gauges, so that somebody sees a limit fill before it refuses.

use std::sync::Arc;

use uuid::Uuid;

use super::Vault;
use crate::domain::id::Id;
use crate::domain::limit::Limit;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{self, limit_charges};

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
            let read = async {
                let mut conn = acquire(&self.pool).await?;
                limit_charges::of_limits(&mut conn, &uids).await
            };
            let charges = in_time(ANSWER_WITHIN, read).await?;
            charged.extend(batch.iter().map(|(account, limit)| Charged {
                account: (*account).clone(),
                limit: Arc::clone(limit),
                units: charges.get(&limit.uid).map_or(0, |charge| charge.units),
            }));
        }
        Ok(charged)
    }
}
