//! What a heart has the database do, a transaction a method, so that the same heart beats over rows that a test keeps in memory.

use sqlx::PgPool;
use uuid::Uuid;

use super::Live;
use super::beat::{Beat, Beating};
use super::clock::boot_now;
use super::idle::{IDLE_MAX, Round};
use super::reserve::{Reserved, reserve};
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, Work};
use crate::domain::offline::Plan;
use crate::domain::time::BootTime;
use crate::store::connection::{ANSWER_WITHIN, acquire, begin, in_time};
use crate::store::{Result, limit_ledgers, limit_rounds};

/// Transactions, each of which ends in time. Each method fails as its transaction does: whether it was committed is then not known.
#[expect(
    async_fn_in_trait,
    reason = "whoever spawns a heartbeat names its database, so that the compiler sees what is sent"
)]
pub trait Transactions {
    /// The boot clock.
    fn boot_now(&self) -> BootTime;

    /// A heartbeat: see [`Beating::write`].
    async fn beat(&self, beating: &Beating<'_>) -> Result<Beat>;

    /// See [`reserve`].
    async fn reserve(&self, live: &Live, works: &[Work], wait: bool) -> Result<Reserved>;

    /// Some limits of a round, after this one, in order.
    async fn next(&self, round: Round, after: Uuid) -> Result<Vec<Uuid>>;

    /// See [`limit_ledgers::ripe`].
    async fn ripe(&self, limits: &[Uuid]) -> Result<Vec<(Uuid, Plan)>>;
}

impl Transactions for PgPool {
    fn boot_now(&self) -> BootTime {
        boot_now()
    }

    async fn beat(&self, beating: &Beating<'_>) -> Result<Beat> {
        let beat = async {
            let sent = boot_now();
            let mut transaction = begin(self, limit_ledgers::BEGIN).await?;
            let beat = beating.write(&mut *transaction, boot_now, sent).await?;
            transaction.commit().await?;
            Ok(beat)
        };
        in_time(ANSWER_WITHIN, beat).await
    }

    async fn reserve(&self, live: &Live, works: &[Work], wait: bool) -> Result<Reserved> {
        reserve(self, live.as_replica(boot_now()), &live.clock, works, wait).await
    }

    async fn next(&self, round: Round, after: Uuid) -> Result<Vec<Uuid>> {
        let limits = async {
            let (mut conn, rows_max) = (acquire(self).await?, LIMITS_PER_TRANSACTION as i64);
            match round {
                Round::Idle => limit_rounds::idle(&mut conn, IDLE_MAX, after, rows_max).await,
                Round::Unanswered(number) => {
                    limit_rounds::unanswered(&mut conn, number, after, rows_max).await
                }
            }
        };
        in_time(ANSWER_WITHIN, limits).await
    }

    async fn ripe(&self, limits: &[Uuid]) -> Result<Vec<(Uuid, Plan)>> {
        let ripe = async {
            let mut conn = acquire(self).await?;
            limit_ledgers::ripe(&mut conn, limits).await
        };
        in_time(ANSWER_WITHIN, ripe).await
    }
}
