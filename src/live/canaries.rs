//! Rights to canaries: which subjects of this replica want one, and the worker that asks the database for them, one at a time each.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::PgPool;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Live;
use super::choose::Now;
use super::clock::boot_now;
use crate::domain::canary::{Seat, Seating, Subject};
use crate::domain::time::{BootTime, Timestamp};

mod asking;

/// How soon an answer of the database is expected: a lease that might be the canary is told to come again then.
pub const ANSWERED_WITHIN: Duration = Duration::from_millis(500);
/// How many rights are asked for at a time: each is a transaction, and a pool may die as one.
const ASKS_MAX: usize = 2;

/// The canary of one subject, as this replica sees it.
#[derive(Debug)]
pub struct Canary {
    subject: Subject,
    seat: Mutex<Seat>,
}

/// Subjects whose canary somebody has to see to.
#[derive(Debug, Default)]
pub struct Canaries {
    errands: Mutex<Vec<Errand>>,
    urgent: Notify,
    answered: Notify,
}

/// What is to be done about a right.
#[derive(Debug)]
enum Errand {
    /// A lease wants it.
    Ask(Arc<Canary>),
    /// It ends.
    End(Subject, Uuid),
}

impl Canary {
    /// Nobody wants it yet.
    #[must_use]
    pub fn new(subject: Subject) -> Arc<Self> {
        Arc::new(Self {
            subject,
            seat: Mutex::default(),
        })
    }

    /// What it tries.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// A lease could be it, and be reported for `lasts`. Where the right is not in hand it is asked for, and the lease does not wait: see
    /// [`Canaries::answered`].
    pub fn take(self: &Arc<Self>, canaries: &Canaries, lasts: Duration, now: Now) -> Seating {
        let seating = self.seat.lock().take(lasts, now.boot, now.database);
        if seating == (Seating::Wanted { is_first: true }) {
            canaries.send(Errand::Ask(Arc::clone(self)));
        }
        seating
    }

    /// The same, and nothing is taken or asked for.
    #[must_use]
    pub fn look(&self, now: BootTime) -> Seating {
        self.seat.lock().look(now)
    }

    /// Until when another lease is it at the latest, for whoever wants none.
    #[must_use]
    pub fn taken(&self, now: BootTime) -> Option<BootTime> {
        self.seat.lock().taken(now)
    }

    /// The lease was not given after all.
    pub fn recall(&self, now: BootTime) {
        self.seat.lock().recall(now);
    }

    /// The lease that was given then goes on until then.
    pub fn prolong(&self, given: Timestamp, until: BootTime) {
        self.seat.lock().prolong(given, until);
    }

    /// The right by which the lease that is out was given, if it was given then.
    #[must_use]
    pub fn out(&self, given: Timestamp) -> Option<Uuid> {
        self.seat.lock().out(given)
    }

    /// The lease that was given then was reported, and what it decided is committed: the right ends.
    pub fn returned(&self, canaries: &Canaries, given: Timestamp) {
        let right = self.seat.lock().returned(given);
        if let Some(right) = right {
            canaries.send(Errand::End(self.subject.clone(), right));
        }
    }

    /// The fleet knows what became of the subject: nobody's canary is waited for here any more.
    pub fn settle(&self) {
        self.seat.lock().settle();
    }
}

impl Canaries {
    fn send(&self, errand: Errand) {
        self.errands.lock().push(errand);
        self.urgent.notify_one();
    }

    /// Until the next right is had or refused. To be made before a right is looked for, so that no answer is missed in between.
    pub fn answered(&self) -> Notified<'_> {
        self.answered.notified()
    }
}

#[cfg(test)]
impl Canaries {
    /// Every right that is wanted is had, asked for at `sent`.
    pub(super) fn have_all(&self, sent: BootTime) {
        let errands = std::mem::take(&mut *self.errands.lock());
        for errand in errands {
            if let Errand::Ask(canary) = errand {
                let mut seat = canary.seat.lock();
                let ask = seat.asking(Uuid::from_u128(1), Uuid::from_u128(2)).unwrap();
                seat.given(&ask, sent).unwrap();
            }
        }
    }
}

/// Asks for rights, and gives back those that are not used, until `stop`.
pub async fn run(live: Arc<Live>, pool: PgPool, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    let asks = Arc::new(Semaphore::new(ASKS_MAX));
    while !stop.is_cancelled() {
        tokio::select! {
            () = live.canaries.urgent.notified() => {}
            Some(_) = tasks.join_next() => continue,
            () = stop.cancelled() => {}
        }
        let errands = std::mem::take(&mut *live.canaries.errands.lock());
        for errand in errands {
            let (live, pool, stop) = (Arc::clone(&live), pool.clone(), stop.clone());
            tasks.spawn(see_to(live, pool, errand, Arc::clone(&asks), stop));
        }
    }
    // Also what is in hand goes back: nobody else could give it for as long as its lease would last.
    while tasks.join_next().await.is_some() {}
}

async fn see_to(
    live: Arc<Live>,
    pool: PgPool,
    errand: Errand,
    asks: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let place = asks.acquire().await;
    match errand {
        Errand::End(subject, right) => end(&pool, &subject, right).await,
        Errand::Ask(canary) => {
            let right = Uuid::now_v7();
            let given = ask(&live, &pool, &canary, right).await;
            live.canaries.answered.notify_waiters();
            drop(place);
            let Some(give_by) = given else { return };
            tokio::select! {
                () = tokio::time::sleep(give_by.since(boot_now())) => {}
                () = stop.cancelled() => {}
            }
            let unused = canary.seat.lock().lapse(right);
            if unused.is_some() {
                end(&pool, &canary.subject, right).await;
            }
        }
    }
}

/// Asks for the right. Answers until when it may be used, if it is this replica's.
async fn ask(live: &Live, pool: &PgPool, canary: &Canary, right: Uuid) -> Option<BootTime> {
    let ask = canary.seat.lock().asking(live.boot_id, right)?;
    let sent = boot_now();
    let asked = asking::ask(live, pool, &canary.subject, &ask, sent).await;
    let mut seat = canary.seat.lock();
    match asked {
        Ok(None) => seat.given(&ask, sent),
        Ok(Some(wait)) => {
            let now = boot_now();
            let again = now.after(wait.min(asking::AGAIN_AFTER));
            seat.refused(again, Some(now.after(wait)));
            None
        }
        Err(error) => {
            tracing::warn!(%error, subject = %canary.subject, "the right to a canary could not be asked for, it is tried again");
            seat.refused(boot_now().after(asking::AGAIN_AFTER), None);
            None
        }
    }
}

/// Ends a right. Where the database does not hear of it, it ends by its time.
async fn end(pool: &PgPool, subject: &Subject, right: Uuid) {
    if let Err(error) = asking::end(pool, subject, right).await {
        tracing::warn!(%error, %subject, "the right to a canary could not be given back, it ends by itself");
    }
}

/// When a right that is told about by this replica's boot clock is known to end, by the database's clock.
#[must_use]
pub fn told(until: BootTime, now: Now) -> Timestamp {
    now.database.after(until.since(now.boot))
}
