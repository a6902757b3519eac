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

    /// Locks the rows of these limits, but for those that another transaction holds. Answers what is said of the others, and how long the
    /// transaction takes.
    pub(super) fn lock(&mut self, works: &[Work]) -> (Vec<Work>, Time) {
        let (now, locked) = (self.now, &mut self.locked);
        let is_free = |work: &&Work| locked.get(&work.limit).is_none_or(|until| *until <= now);
        let free: Vec<Work> = works.iter().filter(is_free).cloned().collect();
        let takes = nanos(self.setup.lock_time) * free.len() as u64;
        if takes > 0 {
            locked.extend(free.iter().map(|work| (work.limit, now + takes)));
        }
        (free, takes)
    }
}
