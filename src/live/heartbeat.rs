//! Once a second this replica says that it lives, and looks whether the database still is what it was.

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Live;
use super::clock::boot_now;
use super::reserve::{Reserved, reserve};
use crate::domain::ledger::standing::{Finding, Memory, Replication, Standing};
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, Work};
use crate::store;
use crate::store::connection::{ANSWER_WITHIN, acquire, begin, in_time};
use crate::store::incarnations::{self, NewIncarnation};
use crate::store::limit_ledgers;
use crate::store::replicas::{self, Enrolment, Pulse};

/// What beats.
#[derive(Debug)]
pub struct Heart {
    live: Arc<Live>,
    pool: PgPool,
    enrolment: Enrolment,
    replication: Replication,
}

impl Heart {
    /// Has not beaten yet.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        pool: PgPool,
        enrolment: Enrolment,
        replication: Replication,
    ) -> Self {
        live.ledger.trust(replication);
        Self {
            live,
            pool,
            enrolment,
            replication,
        }
    }

    /// Says that this replica lives, notes what became of the database, and makes every limit answer to that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beat(&self) -> store::Result<Pulse> {
        let (pulse, standing, beats) = in_time(ANSWER_WITHIN, self.transact()).await?;
        self.live.clock.sample(pulse.now, boot_now());
        self.live
            .count_replicas(u64::try_from(pulse.live).unwrap_or(1));
        self.live.life.remember(Memory {
            beats,
            incarnation: standing.number,
        });
        if standing.loss.incarnation > self.live.life.swept() {
            // It is tried again with the next beat, and limits answer to a loss at first touch all the same.
            if let Err(error) = self.sweep(standing.loss.incarnation).await {
                tracing::warn!(%error, "not every limit has answered to lost writes yet");
            }
        }
        Ok(pulse)
    }

    /// What the beat found, and the number of it.
    async fn transact(&self) -> store::Result<(Pulse, Standing, i64)> {
        let memory = self.live.life.memory();
        let mut transaction = begin(&self.pool, limit_ledgers::BEGIN).await?;
        let conn = &mut *transaction;
        let standing = self.look(conn, memory).await?;
        let beats = memory.beats.max(standing.beats.unwrap_or(0)) + 1;
        let pulse = replicas::beat(conn, self.live.boot_id, &self.enrolment, beats).await?;
        transaction.commit().await?;
        Ok((pulse, standing, beats))
    }

    /// What the database is, noted if it is news.
    async fn look(&self, conn: &mut PgConnection, memory: Memory) -> store::Result<Standing> {
        let standing = incarnations::look(conn, self.live.boot_id).await?;
        if standing.finding(memory).is_none() {
            return Ok(standing);
        }
        // Of several replicas that see it at once, one notes it.
        incarnations::lock(conn).await?;
        let standing = incarnations::look(conn, self.live.boot_id).await?;
        let Some(finding) = standing.finding(memory) else {
            return Ok(standing);
        };
        let new = self.note(finding, memory, &standing);
        incarnations::insert(conn, &new).await?;
        incarnations::look(conn, self.live.boot_id).await
    }

    fn note<'a>(
        &self,
        finding: Finding,
        memory: Memory,
        standing: &'a Standing,
    ) -> NewIncarnation<'a> {
        let sight = &standing.sight;
        let lag = standing.loss(finding, memory, self.replication);
        if lag.is_some() {
            tracing::warn!(
                ?finding,
                timeline = sight.timeline,
                "the database may have lost what it had acknowledged, limits are frozen until everything forgotten would have ended"
            );
        }
        NewIncarnation {
            sight,
            is_lossy: lag.is_some(),
            lag: lag.unwrap_or_default(),
            live: self.live.replicas(),
        }
    }

    /// Makes every limit answer to a loss now, so that an idle one is not frozen when somebody needs it first.
    async fn sweep(&self, incarnation: i64) -> store::Result<()> {
        let mut after = Uuid::nil();
        loop {
            let rows_max = LIMITS_PER_TRANSACTION as i64;
            let limits = async {
                let mut conn = acquire(&self.pool).await?;
                limit_ledgers::unanswered(&mut conn, incarnation, after, rows_max).await
            };
            let limits = in_time(ANSWER_WITHIN, limits).await?;
            let Some(last) = limits.last() else { break };
            after = *last;
            let works: Vec<Work> = limits.iter().map(|limit| Work::silent(*limit)).collect();
            let live = &self.live;
            let reserved = reserve(&self.pool, live.as_replica(), &live.clock, &works, false);
            if matches!(reserved.await?, Reserved::Doubtful) {
                live.life.doubt();
                return Ok(());
            }
        }
        self.live.life.swept_to(incarnation);
        Ok(())
    }
}
