//! What speaks to the database about permits: a few transactions at a time, and what becomes of each answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Live;
use super::clock::boot_now;
use super::ledger::Said;
use super::reserve::{Reserved, reserve};
use super::seldom::Seldom;
use super::{block_counts, late};
use crate::domain::ledger::work::{Answer, LIMITS_PER_TRANSACTION, Work};

/// How long a transaction may take before it is given up; its blocks, if any, are late by then anyway.
const TRANSACTION_MAX: Duration = Duration::from_secs(5);
/// Transactions at a time.
const TRANSACTIONS_MAX: usize = 3;

/// What speaks to the database: a few transactions at a time, since a row that is locked for long must not hold up the others.
#[derive(Debug, Clone)]
pub(super) struct Speaker {
    live: Arc<Live>,
    pool: PgPool,
    room: Arc<Semaphore>,
    under_way: TaskTracker,
    /// An outage is in the log, not each transaction of it.
    failed: Arc<Seldom>,
}

impl Speaker {
    /// Has said nothing yet.
    pub(super) fn new(live: Arc<Live>, pool: PgPool) -> Self {
        Self {
            live,
            pool,
            room: Arc::new(Semaphore::new(TRANSACTIONS_MAX)),
            under_way: TaskTracker::new(),
            failed: Arc::default(),
        }
    }

    /// Some transactions wait for others. What there is to say adds up with its accounts until then, lest a silent database make ever more.
    pub(super) fn is_behind(&self) -> bool {
        self.under_way.len() > TRANSACTIONS_MAX
    }

    /// Says everything there is to say.
    pub(super) fn say_all(&self) {
        self.say_of(self.live.ledger.gather(boot_now()));
    }

    /// Says what somebody waits for.
    pub(super) fn say_asked(&self) {
        self.say_of(self.live.ledger.gather_asked(boot_now()));
    }

    fn say_of(&self, mut said: Vec<Said>) {
        while !said.is_empty() {
            let rest = said.split_off(said.len().min(LIMITS_PER_TRANSACTION));
            let speaker = self.clone();
            self.under_way.spawn(async move { speaker.say(said).await });
            said = rest;
        }
    }

    /// Waits until everything that was said is answered or given up.
    pub(super) async fn answered(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }

    async fn say(self, said: Vec<Said>) {
        let late = late::tell(&said);
        tokio::select! {
            () = self.say_in_turn(said) => {}
            never = late => match never {},
        }
        self.live.ledger.has_room();
    }

    async fn say_in_turn(&self, said: Vec<Said>) {
        let Ok(_place) = self.room.acquire().await else {
            return;
        };
        let skipped = self.transact(said, false).await;
        // A row that somebody else held gets a transaction of its own, which waits for it for a while; so does each of those that were
        // refused together, since one that is bad must not keep the others from being served.
        for one in skipped {
            for (account, work) in self.transact(vec![one], true).await {
                block_counts::failed(&work);
                account.with_budget(|budget| budget.unsaid(&work, true, boot_now()));
                account.wake_impatient();
                self.live.ledger.note(&[account]);
            }
        }
    }

    /// One transaction. Answers what was not taken up, although the database is there.
    async fn transact(&self, said: Vec<Said>, wait: bool) -> Vec<Said> {
        let accounts: Vec<_> = said.iter().map(|(a, _)| Arc::clone(a)).collect();
        let skipped = self.commit(said, wait).await;
        // While it was under way nothing may have been open, so that nobody looked any more: what is open now has to be closed in time,
        // and what was not heard to be said again.
        self.live.ledger.note(&accounts);
        skipped
    }

    /// In a task that outlives its time: a commit is never cancelled.
    async fn commit(&self, said: Vec<Said>, wait: bool) -> Vec<Said> {
        let task = {
            let (live, pool) = (Arc::clone(&self.live), self.pool.clone());
            let works: Vec<Work> = said.iter().map(|(_, work)| work.clone()).collect();
            tokio::spawn(async move {
                reserve(&pool, live.as_replica(), &live.clock, &works, wait).await
            })
        };
        let began = boot_now();
        let done = tokio::time::timeout(TRANSACTION_MAX, task).await;
        block_counts::transacted(boot_now().since(began));
        match done {
            Ok(Ok(Ok(Reserved::Done(answers)))) => {
                block_counts::tell(&answers);
                return take_in(said, &answers);
            }
            Ok(Ok(Ok(Reserved::Doubtful))) => {
                self.live.life.doubt();
                return said;
            }
            Ok(Ok(Err(error))) if error.is_lock_timeout() => return said,
            Ok(Ok(Err(error))) if said.len() > 1 && !error.is_unreachable() => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the ledger refused some limits together, each is asked alone");
                return said;
            }
            Ok(Ok(Err(error))) if self.failed.is_due() => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the ledger could not be asked, held permits serve until they end");
            }
            Ok(Err(_)) | Err(_) if self.failed.is_due() => {
                tracing::warn!(
                    "the ledger did not answer in time, held permits serve until they end"
                );
            }
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => {}
        }
        give_up(&said);
        Vec::new()
    }
}

pub(super) fn take_in(said: Vec<Said>, answers: &[(Uuid, Option<Answer>)]) -> Vec<Said> {
    let answers: HashMap<Uuid, Option<Answer>> = answers.iter().copied().collect();
    let (answered, skipped): (Vec<Said>, Vec<Said>) = said
        .into_iter()
        .partition(|(_, work)| answers.contains_key(&work.limit));
    let now = boot_now();
    for (account, work) in &answered {
        let answer = answers.get(&work.limit).copied().flatten();
        answer
            .iter()
            .for_each(|answer| block_counts::answered(answer, now));
        account.with_budget_quietly(|budget| {
            budget.said(work);
            match answer {
                Some(answer) => budget.answered(work.limit, &answer, now),
                // The limit was deleted.
                None if work.ask.is_some() => budget.unsaid(work, true, now),
                None => {}
            }
        });
    }
    // Only now: who is woken finds all that was answered, not the first of it, or that one would always serve.
    for (account, work) in &answered {
        account.wake();
        if work.ask.is_some() {
            account.wake_impatient();
        }
    }
    skipped
}

fn give_up(said: &[Said]) {
    for (account, work) in said {
        block_counts::failed(work);
        account.with_budget(|budget| budget.unsaid(work, false, boot_now()));
        account.wake_impatient();
    }
}
