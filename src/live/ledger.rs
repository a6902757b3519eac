//! The worker that speaks to the database about permits: it gathers what all accounts have to say into few transactions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Live;
use super::account::AccountLive;
use super::clock::boot_now;
use super::looking::Looking;
use super::speaker::Speaker;
use super::sync::{AtomicBool, AtomicU64, Mutex};
use crate::domain::ledger::budget::Budget;
use crate::domain::ledger::standing::Replication;
use crate::domain::ledger::work::Work;
use crate::domain::time::BootTime;

#[cfg(test)]
#[cfg(feature = "loom")]
mod interleavings;

/// Accounts with something to say, and the numbers of blocks.
#[derive(Debug, Default)]
pub struct Ledger {
    busy: Mutex<HashMap<Uuid, Arc<AccountLive>>>,
    /// Those that somebody waits for, since they were last looked at: of many busy accounts only these are looked at in between.
    asked: Mutex<HashMap<Uuid, Arc<AccountLive>>>,
    urgent: Notify,
    blocks: AtomicU64,
    /// The database forgets nothing that it has acknowledged, whichever standby takes over.
    is_lossless: AtomicBool,
}

/// What one account has to say about one limit.
pub type Said = (Arc<AccountLive>, Work);

impl Ledger {
    /// Somebody waits for permits of these accounts: ask now.
    pub fn ask(&self, accounts: &[Arc<AccountLive>]) {
        self.note(accounts);
        let asked = accounts.iter().map(|a| (a.uid(), Arc::clone(a)));
        self.asked.lock().extend(asked);
        self.urgent.notify_one();
    }

    /// A transaction has ended: there is room for what was asked meanwhile.
    pub fn has_room(&self) {
        if !self.asked.lock().is_empty() {
            self.urgent.notify_one();
        }
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

    /// Until there is something to look at that does not wait.
    pub async fn urged(&self) {
        self.urgent.notified().await;
    }

    /// No account has anything open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.busy.lock().is_empty()
    }

    /// Closes every block. Answers that are on their way are to come before: a block that came later would never be given back.
    pub fn close_all(&self) {
        let open: Vec<_> = self.busy.lock().values().cloned().collect();
        for account in open {
            account.with_budget(Budget::close_all);
        }
    }

    /// What there is to say at `now`. Accounts with nothing open are forgotten until they are noted again.
    #[must_use]
    pub fn gather(&self, now: BootTime) -> Vec<Said> {
        self.asked.lock().clear();
        let mut said = Vec::new();
        let mut busy = self.busy.lock();
        busy.retain(|_, account| self.look(account, now, &mut said));
        drop(busy);
        in_order(said)
    }

    /// The same of the accounts alone that somebody waits for.
    #[must_use]
    pub fn gather_asked(&self, now: BootTime) -> Vec<Said> {
        let asked = std::mem::take(&mut *self.asked.lock());
        let mut said = Vec::new();
        for (uid, account) in asked {
            // A look at all may have found nothing open there, just before somebody asked.
            if self.look(&account, now, &mut said) {
                self.busy.lock().insert(uid, account);
            }
        }
        in_order(said)
    }

    /// What one account has to say. False if it has nothing open.
    fn look(&self, account: &Arc<AccountLive>, now: BootTime, said: &mut Vec<Said>) -> bool {
        let is_paced = !self.is_lossless.load(Ordering::Relaxed);
        let (works, is_busy) = account.look(|budget| {
            let works = budget.work(is_paced, now, || {
                self.blocks.fetch_add(1, Ordering::Relaxed)
            });
            (works, budget.is_busy())
        });
        let has_work = !works.is_empty();
        said.extend(works.into_iter().map(|work| (Arc::clone(account), work)));
        is_busy || has_work
    }
}

/// One order over all replicas, so that transactions do not lock each other out.
fn in_order(mut said: Vec<Said>) -> Vec<Said> {
    said.sort_unstable_by_key(|(_, work)| work.limit);
    said
}

/// Speaks to the database until `stop`, then returns every block and ends.
pub async fn run(live: Arc<Live>, pool: PgPool, stop: CancellationToken) {
    let (speaker, ledger) = (Speaker::new(Arc::clone(&live), pool), &live.ledger);
    let mut looking = Looking::default();
    while !stop.is_cancelled() {
        let idle = ledger.is_idle();
        let wait = looking.next().since(boot_now());
        tokio::select! {
            () = ledger.urged() => {}
            () = sleep(wait), if !idle => {}
            () = stop.cancelled() => {}
        }
        speaker.look(&mut looking);
    }
    speaker.answered().await;
    ledger.close_all();
    speaker.say_all();
    speaker.answered().await;
}

#[cfg(test)]
#[cfg(not(feature = "loom"))]
mod tests {
    use super::*;
    use crate::live::account::AccountLive;
    use crate::live::clock::boot_now;

    #[test]
    fn in_between_only_what_was_asked_for_is_looked_at_and_stays_busy_while_it_is() {
        let ledger = Ledger::default();
        let accounts = [1, 2].map(|n| Arc::new(AccountLive::new(Uuid::from_u128(n))));
        ledger.note(&accounts);
        ledger.ask(&accounts[..1]);
        assert!(ledger.gather_asked(boot_now()).is_empty());
        // The one was looked at, so it is to be noted again; the other waits for the next look at all.
        assert!(accounts[0].note() && !accounts[1].note());
        assert!(ledger.gather_asked(boot_now()).is_empty());
        assert!(!accounts[0].note(), "nobody asked for it again");
        assert!(ledger.gather(boot_now()).is_empty());
        assert!(ledger.is_idle(), "neither has anything open");
    }
}
