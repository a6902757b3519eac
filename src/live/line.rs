//! The order of arrival of calls that wait, over all pools: each holds one ticket, and a place in the line of every account that could
//! serve it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use super::account::AccountLive;
use super::pool::PoolLive;
use super::sync::AtomicU64;
use crate::domain::ledger::held::Ticket;

/// The most calls of one pool that wait on one replica. Beyond it a call is refused at once: it would time out in line.
const WAITING_MAX: usize = 10_000;

/// Gives tickets.
#[derive(Debug, Default)]
pub struct Line {
    tickets: AtomicU64,
}

/// A call that waits. Dropped, it leaves every line, and those behind it move up: also when its client has gone away.
#[derive(Debug)]
pub struct Waiting {
    ticket: Ticket,
    wake: Arc<Notify>,
    is_patient: bool,
    pool: Arc<PoolLive>,
    accounts: Vec<Arc<AccountLive>>,
}

impl Line {
    /// Takes a ticket, unless too many wait for the pool. A patient call waits for permits to come, another one only for the answer
    /// that is on its way.
    #[must_use]
    pub fn join(&self, pool: &Arc<PoolLive>, is_patient: bool) -> Option<Waiting> {
        if pool.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            pool.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Waiting {
            ticket: self.tickets.fetch_add(1, Ordering::Relaxed),
            wake: Arc::default(),
            is_patient,
            pool: Arc::clone(pool),
            accounts: Vec::new(),
        })
    }
}

impl Waiting {
    /// The place in line.
    #[must_use]
    pub const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Waits for these accounts, besides those it waits for already. True if there is a new one: then it has to try once more, since
    /// what it waits for may have come meanwhile.
    pub fn stand(&mut self, accounts: &[Arc<AccountLive>]) -> bool {
        let before = self.accounts.len();
        for account in accounts {
            if !self.accounts.iter().any(|held| held.uid() == account.uid()) {
                account.join(self.ticket, Arc::clone(&self.wake), self.is_patient);
                self.accounts.push(Arc::clone(account));
            }
        }
        self.accounts.len() > before
    }

    /// Holds up nobody at accounts that cannot serve it as things stand, until it tries them again: it is where it was then.
    pub fn step_aside(&self, cannot: impl Fn(&AccountLive) -> bool) {
        let accounts = self.accounts.iter().filter(|account| cannot(account));
        accounts.for_each(|account| account.step_aside(self.ticket));
    }

    /// Until one of the accounts says that it is worth trying.
    pub fn woken(&self) -> impl Future<Output = ()> + use<> {
        let wake = Arc::clone(&self.wake);
        async move { wake.notified().await }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.pool.waiting.fetch_sub(1, Ordering::Relaxed);
        for account in &self.accounts {
            account.leave(self.ticket);
        }
    }
}

/// How many calls of a pool wait.
#[must_use]
pub fn waiting(pool: &PoolLive) -> usize {
    pool.waiting.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_line_refuses() {
        let id = crate::domain::id::Id::parse("id", "openai").unwrap();
        let (line, pool) = (Line::default(), Arc::new(PoolLive::new(&id)));
        let join = || line.join(&pool, true);
        let all: Vec<_> = (0..WAITING_MAX).map(|_| join().unwrap()).collect();
        assert!(join().is_none());
        assert_eq!(waiting(&pool), WAITING_MAX);
        drop(all);
        assert!(join().is_some());
    }
}
