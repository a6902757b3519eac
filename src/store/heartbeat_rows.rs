//! What the transaction of a heartbeat reads and writes.

use sqlx::PgConnection;
use uuid::Uuid;

use super::incarnations::{self, NewIncarnation};
use super::ledger_rows::LedgerRows;
use super::replicas::{self, Enrolment, Pulse};
use super::{Result, offline_slots};
use crate::domain::ledger::offline::slots::{Claim, SlotRow};

/// The rows of replicas, their slots, and what the database was. Each method fails as its query does.
#[expect(
    async_fn_in_trait,
    reason = "whoever spawns a transaction names its connection, so that the compiler sees what is sent"
)]
pub trait HeartbeatRows: LedgerRows {
    /// See [`incarnations::lock`].
    async fn lock_incarnations(&mut self) -> Result<()>;

    /// See [`incarnations::insert`].
    async fn incarnate(&mut self, new: &NewIncarnation<'_>) -> Result<()>;

    /// See [`replicas::beat`].
    async fn beat(
        &mut self,
        boot_id: Uuid,
        enrolment: &Enrolment,
        master_keys: &[String],
        beats: i64,
    ) -> Result<Pulse>;

    /// See [`offline_slots::list`].
    async fn slots(&mut self) -> Result<Vec<SlotRow>>;

    /// See [`offline_slots::claim`].
    async fn claim(&mut self, boot_id: Uuid, claim: &Claim) -> Result<bool>;
}

impl HeartbeatRows for PgConnection {
    async fn lock_incarnations(&mut self) -> Result<()> {
        incarnations::lock(self).await
    }

    async fn incarnate(&mut self, new: &NewIncarnation<'_>) -> Result<()> {
        incarnations::insert(self, new).await
    }

    async fn beat(
        &mut self,
        boot_id: Uuid,
        enrolment: &Enrolment,
        master_keys: &[String],
        beats: i64,
    ) -> Result<Pulse> {
        replicas::beat(self, boot_id, enrolment, master_keys, beats).await
    }

    async fn slots(&mut self) -> Result<Vec<SlotRow>> {
        offline_slots::list(self).await
    }

    async fn claim(&mut self, boot_id: Uuid, claim: &Claim) -> Result<bool> {
        offline_slots::claim(self, boot_id, claim).await
    }
}
