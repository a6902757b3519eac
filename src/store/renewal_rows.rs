//! What the transaction reads and writes that lets a lease go on.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::ledger_rows::LedgerRows;
use super::limit_renewals::{self, Carried};
use super::{Result, canaries, foreign_reports, key_versions, lease_renewals, limits};
use crate::domain::canary::{Right, Subject};
use crate::domain::ledger::page::NewBlock;
use crate::domain::models::Pattern;
use crate::domain::time::Timestamp;

/// The rows of a lease that goes on, beside those of its limits. Each method fails as its query does.
#[expect(
    async_fn_in_trait,
    reason = "whoever spawns a transaction names its connection, so that the compiler sees what is sent"
)]
pub trait RenewalRows: LedgerRows {
    /// See [`limit_renewals::carried`].
    async fn carried(
        &mut self,
        issuer: Uuid,
        serial: u64,
        carried: &[Carried],
    ) -> Result<HashSet<Uuid>>;

    /// See [`limits::held_beside`].
    async fn held_beside(&mut self, version: Uuid, limits: &[Uuid]) -> Result<Vec<Vec<Pattern>>>;

    /// See [`canaries::lock`].
    async fn right(&mut self, subject: &Subject) -> Result<Option<Right>>;

    /// See [`canaries::clock`].
    async fn now(&mut self) -> Result<Timestamp>;

    /// See [`canaries::put`].
    async fn put_right(&mut self, subject: &Subject, right: &Right) -> Result<bool>;

    /// See [`key_versions::hold`].
    async fn hold_version(&mut self, version: Uuid) -> Result<bool>;

    /// See [`limit_renewals::prolong`].
    async fn prolong(&mut self, issuer: Uuid, blocks: &[NewBlock]) -> Result<()>;

    /// See [`lease_renewals::extend`].
    async fn extend(&mut self, lease: (Uuid, u64), version: Uuid, until: Timestamp) -> Result<()>;

    /// See [`foreign_reports::insert`].
    async fn send(&mut self, issuer: Uuid, news: &[u8]) -> Result<()>;
}

impl RenewalRows for PgConnection {
    async fn carried(
        &mut self,
        issuer: Uuid,
        serial: u64,
        carried: &[Carried],
    ) -> Result<HashSet<Uuid>> {
        limit_renewals::carried(self, issuer, serial, carried).await
    }

    async fn held_beside(&mut self, version: Uuid, limits: &[Uuid]) -> Result<Vec<Vec<Pattern>>> {
        limits::held_beside(self, version, limits).await
    }

    async fn right(&mut self, subject: &Subject) -> Result<Option<Right>> {
        canaries::lock(self, subject).await
    }

    async fn now(&mut self) -> Result<Timestamp> {
        canaries::clock(self).await.map(|clock| clock.now)
    }

    async fn put_right(&mut self, subject: &Subject, right: &Right) -> Result<bool> {
        canaries::put(self, subject, right).await
    }

    async fn hold_version(&mut self, version: Uuid) -> Result<bool> {
        key_versions::hold(self, version).await
    }

    async fn prolong(&mut self, issuer: Uuid, blocks: &[NewBlock]) -> Result<()> {
        limit_renewals::prolong(self, issuer, blocks).await
    }

    async fn extend(&mut self, lease: (Uuid, u64), version: Uuid, until: Timestamp) -> Result<()> {
        lease_renewals::extend(self, lease, version, until).await
    }

    async fn send(&mut self, issuer: Uuid, news: &[u8]) -> Result<()> {
        foreign_reports::insert(self, &[issuer], &[news.to_vec()]).await
    }
}
