//! What a transaction of the ledger reads and writes, a statement a method, so that the same transaction runs over the database and over
//! rows that a test keeps in memory.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, incarnations, limit_blocks, limit_ledgers, limit_merges};
use crate::domain::ledger::entry::Entry;
use crate::domain::ledger::merging::{Merging, Row};
use crate::domain::ledger::page::{Charged, Free, Lack, NewBlock, Stated, Terming};
use crate::domain::ledger::standing::Standing;

/// The rows of limits and their blocks, within a transaction. Each method fails as its query does.
#[expect(
    async_fn_in_trait,
    reason = "whoever spawns a transaction names its connection, so that the compiler sees what is sent"
)]
pub trait LedgerRows {
    /// See [`incarnations::look`].
    async fn look(&mut self, boot_id: Uuid) -> Result<Standing>;

    /// See [`limit_ledgers::lock`].
    async fn lock(&mut self, limits: &[Uuid], wait: bool) -> Result<Vec<(Uuid, Entry)>>;

    /// See [`limit_ledgers::terms`].
    async fn terms(&mut self, limits: &[Uuid]) -> Result<HashMap<Uuid, Terming>>;

    /// See [`limit_blocks::state_use`].
    async fn state_use(&mut self, stated: &[Stated]) -> Result<()>;

    /// See [`limit_blocks::charged`].
    async fn charged(&mut self, entries: &[(Uuid, Entry)]) -> Result<HashMap<Uuid, Charged>>;

    /// See [`limit_merges::rows`].
    async fn old(&mut self, merging: &Merging) -> Result<Vec<Row>>;

    /// See [`limit_merges::remove`].
    async fn remove(&mut self, blocks: &[Uuid]) -> Result<()>;

    /// See [`limit_ledgers::advance`].
    async fn advance(&mut self, moved: &[(Uuid, Entry)]) -> Result<()>;

    /// See [`limit_blocks::forget`].
    async fn forget(&mut self, entries: &[(Uuid, Entry)]) -> Result<()>;

    /// See [`limit_blocks::insert`].
    async fn insert(&mut self, boot_id: Uuid, blocks: &[NewBlock]) -> Result<()>;

    /// See [`limit_blocks::frees`].
    async fn frees(&mut self, lacks: &[Lack]) -> Result<HashMap<Uuid, Free>>;
}

impl LedgerRows for PgConnection {
    async fn look(&mut self, boot_id: Uuid) -> Result<Standing> {
        incarnations::look(self, boot_id).await
    }

    async fn lock(&mut self, limits: &[Uuid], wait: bool) -> Result<Vec<(Uuid, Entry)>> {
        limit_ledgers::lock(self, limits, wait).await
    }

    async fn terms(&mut self, limits: &[Uuid]) -> Result<HashMap<Uuid, Terming>> {
        limit_ledgers::terms(self, limits).await
    }

    async fn state_use(&mut self, stated: &[Stated]) -> Result<()> {
        limit_blocks::state_use(self, stated).await
    }

    async fn charged(&mut self, entries: &[(Uuid, Entry)]) -> Result<HashMap<Uuid, Charged>> {
        limit_blocks::charged(self, entries).await
    }

    async fn old(&mut self, merging: &Merging) -> Result<Vec<Row>> {
        limit_merges::rows(self, merging).await
    }

    async fn remove(&mut self, blocks: &[Uuid]) -> Result<()> {
        limit_merges::remove(self, blocks).await
    }

    async fn advance(&mut self, moved: &[(Uuid, Entry)]) -> Result<()> {
        limit_ledgers::advance(self, moved).await
    }

    async fn forget(&mut self, entries: &[(Uuid, Entry)]) -> Result<()> {
        limit_blocks::forget(self, entries).await
    }

    async fn insert(&mut self, boot_id: Uuid, blocks: &[NewBlock]) -> Result<()> {
        limit_blocks::insert(self, boot_id, blocks).await
    }

    async fn frees(&mut self, lacks: &[Lack]) -> Result<HashMap<Uuid, Free>> {
        limit_blocks::frees(self, lacks).await
    }
}
