//! The worker that speaks to the database about permits: it gathers what all accounts have to say into few transactions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Live;
use super::account::AccountLive;
use super::clock::boot_now;
use super::reserve::{Reserved, reserve};
use super::{block_counts, late};
use crate::domain::ledger::budget::Budget;
use crate::domain::ledger::standing::Replication;
use crate::domain::ledger::work::{Answer, LIMITS_PER_TRANSACTION, Work};
use crate::domain::time::BootTime;

/// How often accounts are looked at that have something open, where nobody waits.
const TICK: Duration = Duration::from_millis(25);
/// How long a transaction may take before it is given up; its blocks, if any, are late by then anyway.
const TRANSACTION_MAX: Duration = Duration::from_secs(5);
/// Transactions at a time.
const TRANSACTIONS_MAX: usize = 3;

/// Accounts with something to say, and the numbers of blocks.
#[derive(Debug, Default)]
pub struct Ledger {
    busy: Mutex<HashMap<Uuid, Arc<AccountLive>>>,
    urgent: Notify,
    blocks: AtomicU64,
    /// The database forgets nothing that it has acknowledged, whichever standby takes over.
    is_lossless: AtomicBool,
}

/// What one account has to say about one limit.
type Said = (Arc<AccountLive>, Work);

impl Ledger {
    /// Somebody waits for permits of these accounts: ask now.
    pub fn ask(&self, accounts: &[Arc<AccountLive>]) {
        self.note(accounts);
        self.urgent.notify_one();
    }

    /// These accounts have something open: look at them from time to time.
    pub fn note(&self, accounts: &[Arc<AccountLive>]) {
        for account in accounts {
            if account.note() {
                let mut busy = self.busy.lock();
                // Whoever looks sleeps while there is nothing to look at: what was not asked for, a shadow's, has to wake it.
                if busy.is_empty() {
                    self.urgent.notify_one();
                }
                busy.insert(account.uid(), Arc::clone(account));
            }
        }
    }

    /// What the operator says of the database's replication.
    pub fn trust(&self, replication: Replication) {
        let is_lossless = replication == Replication::Synchronous;
        self.is_lossless.store(is_lossless, Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        self.busy.lock().is_empty()
    }

    /// What there is to say at `now`. Accounts with nothing open are forgotten until they are noted again.
    fn gather(&self, now: BootTime) -> Vec<Said> {
        let is_paced = !self.is_lossless.load(Ordering::Relaxed);
        let mut busy = self.busy.lock();
        let mut said = Vec::new();
        busy.retain(|_, account| {
            let (works, is_busy) = account.look(|budget| {
                let works = budget.work(is_paced, now, || {
                    self.blocks.fetch_add(1, Ordering::Relaxed)
                });
                (works, budget.is_busy())
            });
            let has_work = !works.is_empty();
            said.extend(works.into_iter().map(|work| (Arc::clone(account), work)));
            is_busy || has_work
        });
        // One order over all replicas, so that transactions do not lock each other out.
        said.sort_unstable_by_key(|(_, work)| work.limit);
        said
    }
}

/// Speaks to the database until `stop`, then returns every block and ends.
pub async fn run(live: Arc<Live>, pool: PgPool, stop: CancellationToken) {
    let speaker = Speaker {
        live,
        pool,
        room: Arc::new(Semaphore::new(TRANSACTIONS_MAX)),
        under_way: TaskTracker::new(),
    };
    let ledger = &speaker.live.ledger;
    while !stop.is_cancelled() {
        let idle = ledger.is_idle();
        tokio::select! {
            () = ledger.urgent.notified() => {}
            () = tokio::time::sleep(TICK), if !idle => {}
            () = stop.cancelled() => {}
        }
        if !speaker.is_behind() {
            speaker.say_all();
        }
    }
    // First the answers that are on their way: a block that came after the others were closed would never be given back.
    speaker.under_way.close();
    speaker.under_way.wait().await;
    let open: Vec<_> = ledger.busy.lock().values().cloned().collect();
    for account in open {
        account.with_budget(Budget::close_all);
    }
    speaker.say_all();
    speaker.under_way.wait().await;
}

/// What speaks to the database: a few transactions at a time, since a row that is locked for long must not hold up the others.
#[derive(Debug, Clone)]
struct Speaker {
    live: Arc<Live>,
    pool: PgPool,
    room: Arc<Semaphore>,
    under_way: TaskTracker,
}

impl Speaker {
    /// Some transactions wait for others. What there is to say adds up with its accounts until then, lest a silent database make ever more.
    fn is_behind(&self) -> bool {
        self.under_way.len() > TRANSACTIONS_MAX
    }

    /// Says everything there is to say.
    fn say_all(&self) {
        let mut said = self.live.ledger.gather(boot_now());
        while !said.is_empty() {
            let rest = said.split_off(said.len().min(LIMITS_PER_TRANSACTION));
            let speaker = self.clone();
            self.under_way.spawn(async move { speaker.say(said).await });
            said = rest;
        }
    }

    async fn say(self, said: Vec<Said>) {
        let late = late::tell(&said);
        tokio::select! {
            () = self.say_in_turn(said) => {}
            never = late => match never {},
        }
    }

    async fn say_in_turn(&self, said: Vec<Said>) {
        let Ok(_place) = self.room.acquire().await else {
            return;
        };
        let skipped = self.transact(said, false).await;
        // A row that somebody else held gets a transaction of its own, which waits for it for a while.
        for one in skipped {
            for (account, work) in self.transact(vec![one], true).await {
                block_counts::failed(&work);
                account.with_budget(|budget| budget.unsaid(&work, true, boot_now()));
                account.wake_impatient();
            }
        }
    }

    /// One transaction, in a task that outlives its time: a commit is never cancelled. Answers what was not taken up, although the
    /// database is there.
    async fn transact(&self, said: Vec<Said>, wait: bool) -> Vec<Said> {
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
            Ok(Ok(Ok(Reserved::Done(answers)))) => return take_in(said, &answers),
            Ok(Ok(Ok(Reserved::Doubtful))) => {
                self.live.life.doubt();
                return said;
            }
            Ok(Ok(Err(error))) if error.is_lock_timeout() => return said,
            Ok(Ok(Err(error))) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the ledger could not be asked, held permits serve until they end");
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(
                    "the ledger did not answer in time, held permits serve until they end"
                );
            }
        }
        give_up(&said);
        Vec::new()
    }
}

fn take_in(said: Vec<Said>, answers: &[(Uuid, Option<Answer>)]) -> Vec<Said> {
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
