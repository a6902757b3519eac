//! Once a second this replica says that it lives, and looks whether the database still is what it was.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Live;
use super::account::AccountLive;
use super::clock::boot_now;
use super::idle::{self, Round};
use super::slots::{self, Looked};
use crate::domain::ledger::budget::Budget;
use crate::domain::ledger::standing::{Finding, Memory, Replication, Standing};
use crate::domain::ledger::work::LIMITS_PER_TRANSACTION;
use crate::domain::limit::Limit;
use crate::domain::time::BootTime;
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

impl Live {
    /// Replicas that live, this one included.
    #[must_use]
    pub fn replicas(&self) -> u64 {
        self.replicas.load(Ordering::Relaxed)
    }

    /// So many replicas live.
    pub fn count_replicas(&self, live: u64) {
        self.replicas.store(live.max(1), Ordering::Relaxed);
    }

    /// This replica holds these master keys, by fingerprint: the next heartbeat tells the fleet.
    pub fn holds(&self, fingerprints: Vec<String>) {
        self.master_keys.store(Arc::new(fingerprints));
    }
}

/// A beat that was committed.
#[derive(Debug)]
struct Beat {
    number: i64,
    /// When the database's clock was asked for.
    asked: BootTime,
    pulse: Pulse,
    standing: Standing,
    slots: Option<Looked>,
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
        let memory = self.live.life.memory();
        let beat = in_time(ANSWER_WITHIN, self.transact(memory)).await?;
        let (pulse, standing) = (beat.pulse, beat.standing);
        if standing.number != memory.incarnation {
            let shared = self.live.glance();
            let shared = shared.offline.iter();
            shared.for_each(|(account, _)| account.with_budget_quietly(Budget::unripen));
        }
        match &beat.slots {
            Some(looked) => self.live.slots.committed(looked, self.settle()),
            None => self.live.slots.lose(),
        }
        self.live.clock.sample(pulse.now, beat.asked, boot_now());
        self.live
            .count_replicas(u64::try_from(pulse.live).unwrap_or(1));
        self.live.life.remember(Memory {
            beats: beat.number,
            incarnation: standing.number,
        });
        if standing.loss.incarnation > self.live.life.swept() {
            // It is tried again with the next beat, and limits answer to a loss at first touch all the same.
            if let Err(error) = self.sweep(standing.loss.incarnation).await {
                tracing::warn!(%error, "not every limit has answered to lost writes yet");
            }
        }
        if let Err(error) = self.ripen().await {
            tracing::warn!(%error, "not every offline share is known to be free yet");
        }
        Ok(pulse)
    }

    /// One beat, up to its commit.
    async fn transact(&self, memory: Memory) -> store::Result<Beat> {
        let (live, sent) = (&self.live, boot_now());
        let mut transaction = begin(&self.pool, limit_ledgers::BEGIN).await?;
        let conn = &mut *transaction;
        let standing = self.look(conn, memory).await?;
        let number = memory.beats.max(standing.beats.unwrap_or(0)) + 1;
        let (held, enrolment) = (live.master_keys.load_full(), &self.enrolment);
        let asked = boot_now();
        let pulse = replicas::beat(conn, live.boot_id, enrolment, &held, number).await?;
        let slots = match slots::wants(&live.glance()) {
            Some(wants) => {
                let looked = live
                    .slots
                    .look(conn, live.boot_id, standing.number, wants, sent);
                Some(looked.await?)
            }
            None => None,
        };
        transaction.commit().await?;
        Ok(Beat {
            number,
            asked,
            pulse,
            standing,
            slots,
        })
    }

    /// How long ago something was committed that a failover does not lose.
    const fn settle(&self) -> Duration {
        match self.replication {
            Replication::Synchronous => Duration::ZERO,
            Replication::Asynchronous(lag_max) => lag_max,
        }
    }

    /// Asks the ledger whether replicas may serve by the offline shares that are new here: it says so when all has ended that was
    /// granted or served before.
    async fn ripen(&self) -> store::Result<()> {
        let snapshot = self.live.snapshot();
        let unripe = |(account, limit): &&(Arc<AccountLive>, Arc<Limit>)| {
            account.with_budget_quietly(|budget| budget.unripe().any(|uid| uid == limit.uid))
        };
        let unripe: Vec<_> = snapshot.offline.iter().filter(unripe).collect();
        for some in unripe.chunks(LIMITS_PER_TRANSACTION) {
            let mut uids: Vec<Uuid> = some.iter().map(|(_, limit)| limit.uid).collect();
            uids.sort_unstable();
            if !idle::touch(&self.live, &self.pool, &uids).await? {
                return Ok(());
            }
            let ripe = async {
                let mut conn = acquire(&self.pool).await?;
                limit_ledgers::ripe(&mut conn, &uids).await
            };
            let ripe = in_time(ANSWER_WITHIN, ripe).await?;
            let now = boot_now();
            for (account, limit) in some {
                let ripe = ripe.iter().filter(|(uid, _)| *uid == limit.uid);
                ripe.for_each(|(uid, plan)| {
                    account.with_budget_quietly(|budget| budget.ripened(*uid, *plan, now))
                });
            }
        }
        Ok(())
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
        // Also where the number of the incarnation comes out as it was, as it may after a restore.
        if finding != Finding::First {
            self.live.life.upset();
        }
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
            number_min: memory.incarnation + 1,
            is_lossy: lag.is_some(),
            lag: lag.unwrap_or_default(),
            live: self.live.replicas(),
        }
    }

    /// Makes every limit answer to a loss now, so that an idle one is not frozen when somebody needs it first.
    async fn sweep(&self, incarnation: i64) -> store::Result<()> {
        let round = Round::Unanswered(incarnation);
        let (live, pool) = (&self.live, &self.pool);
        if idle::tell(live, pool, incarnation).await? && idle::touch_all(live, pool, round).await? {
            self.live.life.swept_to(incarnation);
        }
        Ok(())
    }
}
