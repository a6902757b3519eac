//! Rows that transactions lock, and how long these take.

use super::*;

impl World<'_> {
    /// How many limits share a transaction.
    pub(super) fn limits_per_transaction(&self) -> usize {
        match self.setup.bug {
            Some(Bug::OneTransaction) => usize::MAX,
            _ => LIMITS_PER_TRANSACTION,
        }
    }

    /// How long another transaction still holds some of these rows.
    pub(super) fn locked_for(&self, works: &[Work]) -> Option<Time> {
        let until = works.iter().filter_map(|work| self.locked.get(&work.limit));
        let until = until.max().copied().unwrap_or_default();
        (until > self.now).then(|| until - self.now)
    }

    /// Those of these whose rows no other transaction holds.
    pub(super) fn unlocked(&self, mut works: Vec<Work>) -> Vec<Work> {
        let until = |work: &Work| self.locked.get(&work.limit).copied().unwrap_or_default();
        works.retain(|work| until(work) <= self.now);
        works
    }

    /// Locks the rows of these limits. Answers how long the transaction takes.
    pub(super) fn lock(&mut self, works: &[Work]) -> Time {
        let takes = nanos(self.setup.lock_time) * works.len() as u64;
        if takes > 0 {
            let until = self.now + takes;
            let locked = works.iter().map(|work| (work.limit, until));
            self.locked.extend(locked);
        }
        takes
    }
}
