//! Reports on leases of a replica that is gone: whoever finds them settles them in its place, each once.

use std::sync::Arc;

use super::Vault;
use crate::live::clock::boot_now;
use crate::live::takeover::{Inherited, take_over};
use crate::store::{self, Error};

impl Vault {
    /// Settles reports on leases of replicas that are gone, until there are none.
    ///
    /// # Errors
    /// As every query.
    pub async fn take_over_reports(&self) -> store::Result<()> {
        loop {
            let Some(new) = self.take_over().await? else {
                return Ok(());
            };
            if !new.is_empty() {
                tracing::info!(
                    leases = new.len(),
                    "leases of a replica that is gone were settled in its place"
                );
            }
            for Inherited { report, .. } in &new {
                self.charge_overuse(&report.claims, &report.outcomes);
            }
        }
    }

    /// In a task of its own: a commit is never cancelled.
    async fn take_over(&self) -> store::Result<Option<Vec<Inherited>>> {
        let (pool, live) = (self.pool.clone(), Arc::clone(&self.live));
        let task = tokio::spawn(async move {
            let snapshot = live.snapshot();
            take_over(&pool, live.as_replica(boot_now()), |account, limit| {
                // Of an account that is gone nothing goes back; what was spent is recorded all the same.
                let mut limits = snapshot.accounts.get(&account)?.limits.iter();
                limits.find(|l| l.uid == limit).map(|l| l.dimension)
            })
            .await
        });
        task.await.map_err(|_| Error::unanswered())?
    }
}
