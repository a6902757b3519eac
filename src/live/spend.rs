//! What was spent, on its way to the database: summed as reports come in, written in batches, each of which counts once.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::MutexGuard;
use uuid::Uuid;

use crate::domain::spend::{Day, SpendBook, SpendKey, Sums};

/// How often sums are written: a crash loses what was reported since, and nothing of any limit.
pub const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// The most sums in one batch: a statement that takes some tenths of a second.
const BATCH_MAX: usize = 5_000;

/// What was spent, on its way to the database.
#[derive(Debug, Default)]
pub struct Spend {
    book: Mutex<SpendBook>,
    /// The batch that is being written, or was and nobody knows whether it arrived. Whoever holds the lock writes.
    under_way: tokio::sync::Mutex<Option<Batch>>,
}

/// Sums to be added as one, once.
#[derive(Debug)]
pub struct Batch {
    /// Chosen here: a batch that is sent again is known by it.
    pub id: Uuid,
    /// In the order of their keys, so that replicas that add to the same rows wait for each other and never in a circle.
    pub sums: Vec<(SpendKey, Sums)>,
}

impl Spend {
    /// Some uses were reported.
    pub fn add(&self, key: SpendKey, sums: Sums) {
        self.book.lock().add(key, sums);
    }

    /// The right to write: one at a time.
    pub async fn writing(&self) -> Writing<'_> {
        Writing {
            book: &self.book,
            under_way: self.under_way.lock().await,
        }
    }
}

/// The right to write batches.
#[derive(Debug)]
pub struct Writing<'a> {
    book: &'a Mutex<SpendBook>,
    under_way: MutexGuard<'a, Option<Batch>>,
}

impl Writing<'_> {
    /// What has to be written next, if anything: the same batch until it is known to be written, also if that takes several tries.
    pub fn next(&mut self, today: Day) -> Option<&Batch> {
        if self.under_way.is_none() {
            let mut sums = self.book.lock().take(BATCH_MAX, today);
            sums.sort_by(|(a, _), (b, _)| a.cmp(b));
            let id = Uuid::new_v4();
            *self.under_way = (!sums.is_empty()).then_some(Batch { id, sums });
        }
        self.under_way.as_ref()
    }

    /// It is written.
    pub fn written(&mut self) {
        *self.under_way = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tags::Tags;
    use crate::domain::time::Timestamp;

    fn today() -> Day {
        Day::of(Timestamp::from_micros(0))
    }

    fn key(model: &str) -> SpendKey {
        SpendKey {
            day: today(),
            pool: "pools/p".into(),
            account: "accounts/a".into(),
            model: model.into(),
            caller: "callers/c".into(),
            tags: Tags::default(),
        }
    }

    fn once() -> Sums {
        Sums {
            requests: 1,
            ..Sums::default()
        }
    }

    #[tokio::test]
    async fn a_batch_that_failed_is_sent_again_as_the_same_before_anything_newer() {
        let spend = Spend::default();
        spend.add(key("b"), once());
        spend.add(key("a"), once());
        let mut writing = spend.writing().await;
        let first = writing.next(today()).unwrap().id;
        drop(writing);
        spend.add(key("a"), once());
        let mut writing = spend.writing().await;
        let again = writing.next(today()).unwrap();
        assert_eq!(again.id, first);
        assert_eq!(again.sums, [(key("a"), once()), (key("b"), once())]);
        writing.written();
        let newer = writing.next(today()).unwrap();
        assert_ne!(newer.id, first);
        assert_eq!(newer.sums, [(key("a"), once())]);
        writing.written();
        assert!(writing.next(today()).is_none());
    }
}
