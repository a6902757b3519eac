//! Once a second this replica says that it lives, and looks whether the database still is what it was.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::PgPool;
use uuid::Uuid;

use super::Live;
use super::account::AccountLive;
use super::beat::{Beat, Beating};
use super::idle::{self, Round};
use super::transactions::Transactions;
use crate::domain::ledger::budget::Budget;
use crate::domain::ledger::standing::Replication;
use crate::domain::ledger::work::LIMITS_PER_TRANSACTION;
use crate::domain::limit::Limit;
use crate::store;
use crate::store::replicas::{Enrolment, Pulse};

/// What beats.
#[derive(Debug)]
pub struct Heart<T = PgPool> {
    live: Arc<Live>,
    transactions: T,
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

impl<T: Transactions> Heart<T> {
    /// Has not beaten yet.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        transactions: T,
        enrolment: Enrolment,
        replication: Replication,
    ) -> Self {
        live.ledger.trust(replication);
        live.life.trust(replication);
        Self {
            live,
            transactions,
            enrolment,
            replication,
        }
    }

    /// Says that this replica lives, notes what became of the database, and makes every limit answer to that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beat(&self) -> store::Result<Pulse> {
        let beating = Beating {
            live: &self.live,
            enrolment: &self.enrolment,
            replication: self.replication,
            memory: self.live.life.memory(),
        };
        let beat = self.transactions.beat(&beating).await?;
        self.committed(&beating, &beat);
        let incarnation = beat.standing.loss.incarnation;
        if incarnation > self.live.life.swept() {
            // It is tried again with the next beat, and limits answer to a loss at first touch all the same.
            if let Err(error) = self.sweep(incarnation).await {
                tracing::warn!(%error, "not every limit has answered to lost writes yet");
            }
        }
        if let Err(error) = self.ripen().await {
            tracing::warn!(%error, "not every offline share is known to be free yet");
        }
        Ok(beat.pulse)
    }

    /// Takes in what a beat has told, now that it is committed.
    fn committed(&self, beating: &Beating<'_>, beat: &Beat) {
        let (live, memory) = (&self.live, beat.memory());
        let now = self.transactions.boot_now();
        if memory.incarnation != beating.memory.incarnation {
            let shared = live.glance();
            let shared = shared.offline.iter();
            shared.for_each(|(account, _)| account.with_budget_quietly(Budget::unripen));
        }
        match &beat.slots {
            Some(looked) => live
                .slots
                .committed(looked, self.replication.loses_within(), now),
            None => live.slots.lose(),
        }
        live.clock.sample(beat.pulse.now, beat.asked, now);
        live.count_replicas(u64::try_from(beat.pulse.live).unwrap_or(1));
        live.life.heard_of(beat.standing.beats, now);
        live.life.remember(memory);
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
            if !idle::touch(&self.live, &self.transactions, &uids).await? {
                return Ok(());
            }
            let ripe = self.transactions.ripe(&uids).await?;
            let now = self.transactions.boot_now();
            for (account, limit) in some {
                let ripe = ripe.iter().filter(|(uid, _)| *uid == limit.uid);
                ripe.for_each(|(uid, plan)| {
                    account.with_budget_quietly(|budget| budget.ripened(*uid, *plan, now))
                });
            }
        }
        Ok(())
    }

    /// Makes every limit answer to a loss now, so that an idle one is not frozen when somebody needs it first.
    async fn sweep(&self, incarnation: i64) -> store::Result<()> {
        let (live, transactions) = (&self.live, &self.transactions);
        let round = Round::Unanswered(incarnation);
        if idle::tell(live, transactions, incarnation).await?
            && idle::touch_all(live, transactions, round).await?
        {
            live.life.swept_to(incarnation);
        }
        Ok(())
    }
}
