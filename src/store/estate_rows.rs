//! What the transaction reads and writes that settles leases in the place of replicas that are gone.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::foreign_reports::{self, Orphan};
use super::ledger_rows::LedgerRows;
use super::{Result, limit_blocks, settled};
use crate::domain::ledger::takeover::{Estate, Settled};

/// The rows of what a replica left, beside those of its limits. Each method fails as its query does.
#[expect(
    async_fn_in_trait,
    reason = "whoever spawns a transaction names its connection, so that the compiler sees what is sent"
)]
pub trait EstateRows: LedgerRows {
    /// See [`foreign_reports::orphans`].
    async fn orphans(&mut self, lapse: Duration, rows_max: i64) -> Result<Vec<Orphan>>;

    /// See [`settled::lock`].
    async fn settled(
        &mut self,
        leases: &BTreeSet<(Uuid, u64)>,
    ) -> Result<HashMap<(Uuid, u64), Settled>>;

    /// See [`settled::note`].
    async fn note(&mut self, leases: &HashMap<(Uuid, u64), Settled>) -> Result<()>;

    /// See [`limit_blocks::estates`].
    async fn estates(&mut self, blocks: &[Uuid]) -> Result<HashMap<Uuid, Estate>>;

    /// See [`limit_blocks::take_over`].
    async fn take_over(&mut self, blocks: &[(Uuid, u64)]) -> Result<()>;

    /// See [`foreign_reports::remove`].
    async fn discard(&mut self, reports: &[i64]) -> Result<()>;
}

impl EstateRows for PgConnection {
    async fn orphans(&mut self, lapse: Duration, rows_max: i64) -> Result<Vec<Orphan>> {
        foreign_reports::orphans(self, lapse, rows_max).await
    }

    async fn settled(
        &mut self,
        leases: &BTreeSet<(Uuid, u64)>,
    ) -> Result<HashMap<(Uuid, u64), Settled>> {
        settled::lock(self, leases).await
    }

    async fn note(&mut self, leases: &HashMap<(Uuid, u64), Settled>) -> Result<()> {
        settled::note(self, leases).await
    }

    async fn estates(&mut self, blocks: &[Uuid]) -> Result<HashMap<Uuid, Estate>> {
        limit_blocks::estates(self, blocks).await
    }

    async fn take_over(&mut self, blocks: &[(Uuid, u64)]) -> Result<()> {
        limit_blocks::take_over(self, blocks).await
    }

    async fn discard(&mut self, reports: &[i64]) -> Result<()> {
        foreign_reports::remove(self, reports).await
    }
}
