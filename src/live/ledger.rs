//! The one worker that speaks to the database about permits: it gathers what all accounts have to say into few transactions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Live;
use super::account::AccountLive;
use super::clock::boot_now;
use super::reserve::{Replica, reserve};
use crate::domain::ledger::work::{Answer, LIMITS_PER_TRANSACTION, Work};
use crate::domain::time::BootTime;
use crate::metric_names;

/// How often accounts are looked at that have something open, where nobody waits.
const TICK: Duration = Duration::from_millis(100);
/// How long a transaction may take before it is given up; its blocks, if any, are late by then anyway.
const TRANSACTION_MAX: Duration = Duration::from_secs(5);

/// Accounts with something to say, and the numbers of blocks.
#[derive(Debug, Default)]
pub struct Ledger {
    busy: Mutex<HashMap<Uuid, Arc<AccountLive>>>,
    urgent: Notify,
    blocks: AtomicU64,
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
        let mut busy = self.busy.lock();
        for account in accounts {
            busy.entry(account.uid())
                .or_insert_with(|| Arc::clone(account));
        }
    }

    fn is_idle(&self) -> bool {
        self.busy.lock().is_empty()
    }

    /// What there is to say at `now`. Accounts with nothing open are forgotten until they are noted again.
    fn gather(&self, now: BootTime) -> Vec<Said> {
        let mut busy = self.busy.lock();
        let mut said = Vec::new();
        busy.retain(|_, account| {
            let (works, is_busy) = account.with_budget(|budget| {
                let works = budget.work(now, || self.blocks.fetch_add(1, Ordering::Relaxed));
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
    while !stop.is_cancelled() {
        let idle = live.ledger.is_idle();
        tokio::select! {
            () = live.ledger.urgent.notified() => {}
            () = tokio::time::sleep(TICK), if !idle => {}
            () = stop.cancelled() => {}
        }
        pass(&live, &pool).await;
    }
    let open: Vec<_> = live.ledger.busy.lock().values().cloned().collect();
    for account in open {
        account.with_budget(crate::domain::ledger::budget::Budget::close_all);
    }
    pass(&live, &pool).await;
}

/// Says everything there is to say, once.
async fn pass(live: &Arc<Live>, pool: &PgPool) {
    let mut skipped = Vec::new();
    let mut said = live.ledger.gather(boot_now());
    while !said.is_empty() {
        let rest = said.split_off(said.len().min(LIMITS_PER_TRANSACTION));
        skipped.extend(transact(live, pool, said, false).await);
        said = rest;
    }
    // A row that somebody else held gets a transaction of its own, which waits for it.
    for one in skipped {
        for (account, work) in transact(live, pool, vec![one], true).await {
            account.with_budget(|budget| budget.unsaid(&work, boot_now()));
            account.wake_impatient();
        }
    }
}

/// One transaction, in a task of its own: whoever waits for it may be dropped, and a cancelled one would poison its connection.
/// Answers what was skipped.
async fn transact(live: &Arc<Live>, pool: &PgPool, said: Vec<Said>, wait: bool) -> Vec<Said> {
    let task = {
        let (live, pool) = (Arc::clone(live), pool.clone());
        let works: Vec<Work> = said.iter().map(|(_, work)| work.clone()).collect();
        tokio::spawn(async move {
            let replica = Replica {
                boot_id: live.boot_id,
                live: live.replicas(),
            };
            reserve(&pool, replica, &live.clock, &works, wait).await
        })
    };
    metrics::counter!(metric_names::BLOCK_RESERVES).increment(1);
    match tokio::time::timeout(TRANSACTION_MAX, task).await {
        Ok(Ok(Ok(answers))) => take_in(said, &answers),
        Ok(Ok(Err(error))) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "the ledger could not be asked, held permits serve until they end");
            give_up(&said);
            Vec::new()
        }
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("the ledger did not answer in time, held permits serve until they end");
            give_up(&said);
            Vec::new()
        }
    }
}

fn take_in(said: Vec<Said>, answers: &[(Uuid, Option<Answer>)]) -> Vec<Said> {
    let mut skipped = Vec::new();
    let answers: HashMap<Uuid, Option<Answer>> = answers.iter().copied().collect();
    for (account, work) in said {
        let Some(answer) = answers.get(&work.limit) else {
            skipped.push((account, work));
            continue;
        };
        account.with_budget(|budget| {
            budget.said(&work);
            if let Some(answer) = answer {
                budget.answered(work.limit, answer, boot_now());
            }
        });
        if work.ask.is_some() {
            account.wake_impatient();
        }
    }
    skipped
}

fn give_up(said: &[Said]) {
    for (account, work) in said {
        account.with_budget(|budget| budget.unsaid(work, boot_now()));
        account.wake_impatient();
    }
}
