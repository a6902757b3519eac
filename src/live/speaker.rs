//! What speaks to the database about permits: a few transactions at a time.

use std::future::pending;
use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::Live;
use super::block_counts;
use super::clock::boot_now;
use super::late::{LATE, Late};
use super::ledger::Said;
use super::looking::{Look, Looking};
use super::reserve::{Reserved, reserve};
use super::saying::{Part, Reply, Saying, TRANSACTION_MAX, TRANSACTIONS_MAX};
use super::seldom::Seldom;
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, Work};

/// What speaks to the database: a few transactions at a time.
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

    /// Looks at what is due, and says it.
    pub(super) fn look(&self, looking: &mut Looking) {
        let began = boot_now();
        match looking.look(self.is_behind(), began) {
            Look::Nothing => {}
            Look::Asked => self.say_of(self.live.ledger.gather_asked(began)),
            Look::All => {
                self.say_all();
                looking.looked(began, boot_now());
            }
        }
    }

    /// Some transactions wait for others. What there is to say adds up with its accounts until then, lest a silent database make ever more.
    fn is_behind(&self) -> bool {
        self.under_way.len() > TRANSACTIONS_MAX
    }

    /// Says everything there is to say.
    pub(super) fn say_all(&self) {
        self.say_of(self.live.ledger.gather(boot_now()));
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
        let late = Late::of(&said);
        let late = async {
            sleep(LATE).await;
            late.tell();
            pending().await
        };
        tokio::select! {
            () = self.say_in_turn(Saying::new(said)) => {}
            () = late => {}
        }
        self.live.ledger.has_room();
    }

    async fn say_in_turn(&self, mut saying: Saying) {
        let Ok(_place) = self.room.acquire().await else {
            return;
        };
        while let Some(part) = saying.next_part() {
            let reply = self.transact(&part).await;
            saying.heard(part, &reply, &self.live.ledger, boot_now());
        }
    }

    /// One transaction, in a task that outlives its time: a commit is never cancelled.
    async fn transact(&self, part: &Part) -> Reply {
        let task = {
            let (live, pool, waits) = (Arc::clone(&self.live), self.pool.clone(), part.waits);
            let works: Vec<Work> = part.said.iter().map(|(_, work)| work.clone()).collect();
            tokio::spawn(async move {
                reserve(
                    &pool,
                    live.as_replica(boot_now()),
                    &live.clock,
                    &works,
                    waits,
                )
                .await
            })
        };
        let began = boot_now();
        let done = tokio::time::timeout(TRANSACTION_MAX, task).await;
        block_counts::transacted(boot_now().since(began));
        match done {
            Ok(Ok(Ok(Reserved::Done(answers)))) => {
                block_counts::tell(&answers);
                return Reply::Done(answers);
            }
            Ok(Ok(Ok(Reserved::Doubtful))) => {
                self.live.life.doubt();
                return Reply::Refused;
            }
            Ok(Ok(Err(error))) if error.is_lock_timeout() => return Reply::Refused,
            Ok(Ok(Err(error))) if part.said.len() > 1 && !error.is_unreachable() => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the ledger refused some limits together, each is asked alone");
                return Reply::Refused;
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
        Reply::Unknown
    }
}
