//! Leases on their way to the journal: a bounded line of records, and counts. Putting one in does no IO.

use std::collections::HashMap;

use metrics::{counter, gauge};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::domain::journal::{JournalRecord, minute};
use crate::domain::time::{BootTime, Timestamp};
use crate::metric_names;

mod lag;

use lag::Lag;

/// The most records that wait, some hundred bytes each: seconds of the highest rate.
pub const DEPTH_MAX: usize = 16_384;
/// The most counts that wait, some hundred bytes each: more than a vault of 100,000 keys has before they are written, which is every few
/// seconds. Beyond them leases are counted without their key and caller.
const COUNTS_MAX: usize = 131_072;

/// A record that waits, and whom to tell when it is committed.
#[derive(Debug)]
pub struct Entry {
    /// What to write.
    pub record: JournalRecord,
    /// Since when it waits.
    pub since: BootTime,
    /// A lease whose secret leaves only then.
    pub committed: Option<oneshot::Sender<()>>,
}

/// What leases are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountKey {
    /// The pool.
    pub pool: Uuid,
    /// The key version.
    pub version: Uuid,
    /// The caller.
    pub caller: Uuid,
}

/// Leases on their way to the journal.
#[derive(Debug)]
pub struct Journal {
    entries: mpsc::Sender<Entry>,
    line: tokio::sync::Mutex<mpsc::Receiver<Entry>>,
    counts: Mutex<HashMap<(Timestamp, CountKey), JournalRecord>>,
    lag: Lag,
}

impl Default for Journal {
    fn default() -> Self {
        let (entries, line) = mpsc::channel(DEPTH_MAX);
        Self {
            entries,
            line: tokio::sync::Mutex::new(line),
            counts: Mutex::default(),
            lag: Lag::default(),
        }
    }
}

impl Journal {
    /// Counts a lease; `record` makes the record of what has not been counted in this minute. Answers whether it keeps its key and caller.
    #[must_use]
    pub fn count(
        &self,
        (mut key, now): (CountKey, Timestamp),
        uses: u32,
        record: impl FnOnce() -> JournalRecord,
    ) -> bool {
        let at = minute(now);
        let mut counts = self.counts.lock();
        let is_full = counts.len() >= COUNTS_MAX && !counts.contains_key(&(at, key));
        if is_full {
            (key.version, key.caller) = (Uuid::nil(), Uuid::nil());
        }
        let counted = counts.entry((at, key)).or_insert_with(|| {
            let mut first = record();
            (first.record_time, first.leases, first.uses) = (at, 0, 0);
            (first.lease, first.tags) = (String::new(), String::new());
            if is_full {
                (first.key, first.caller, first.version) = (String::new(), String::new(), 0);
            }
            first
        });
        counted.leases = counted.leases.saturating_add(1);
        counted.uses = counted.uses.saturating_add(uses.into());
        !is_full
    }

    /// Puts a record in line; it comes back where the line is full, or does not move.
    #[must_use]
    pub fn put(&self, record: JournalRecord, now: BootTime) -> Option<JournalRecord> {
        if self.lag.is_stuck(now) {
            return Some(record);
        }
        let entry = Entry {
            record,
            since: now,
            committed: None,
        };
        let put = self.entries.try_send(entry);
        put.err().map(|refused| refused.into_inner().record)
    }

    /// Puts a record in line that is to be committed before anybody goes on; none where the line is full.
    #[must_use]
    pub fn put_strict(
        &self,
        record: JournalRecord,
        now: BootTime,
    ) -> Option<oneshot::Receiver<()>> {
        let (told, committed) = oneshot::channel();
        let entry = Entry {
            record,
            since: now,
            committed: Some(told),
        };
        self.entries.try_send(entry).ok().map(|()| committed)
    }

    /// A record gave way to a count, or a count to one without names.
    pub fn fell_behind(&self, now: BootTime) {
        counter!(metric_names::JOURNAL_DEGRADED).increment(1);
        self.lag.gives_way(now);
    }

    /// Since when the oldest of what is being written waits; none where nothing is.
    pub fn writes(&self, oldest: Option<BootTime>) {
        self.lag.writes(oldest);
    }

    /// Whether records give way to counts, or nothing is written.
    #[must_use]
    pub fn is_behind(&self, now: BootTime) -> bool {
        self.lag.is_behind(now)
    }

    /// The line, for the one that writes.
    pub async fn line(&self) -> tokio::sync::MutexGuard<'_, mpsc::Receiver<Entry>> {
        self.line.lock().await
    }

    /// Takes what was counted: at most so many counts.
    #[must_use]
    pub fn take_counts(&self, counts_max: usize) -> Vec<JournalRecord> {
        let mut counts = self.counts.lock();
        let keys: Vec<_> = counts.keys().take(counts_max).copied().collect();
        let taken = keys.iter().filter_map(|key| counts.remove(key));
        taken.collect()
    }

    /// Tells how many records wait.
    pub fn observe(&self) {
        let waiting = self.entries.max_capacity() - self.entries.capacity();
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        gauge!(metric_names::JOURNAL_DEPTH).set(f64::from(waiting));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> JournalRecord {
        JournalRecord {
            record_time: Timestamp::from_micros(61_000_000),
            pool: "pools/p".into(),
            key: "accounts/a/keys/k".into(),
            version: 1,
            caller: "callers/c".into(),
            leases: 1,
            uses: 2,
            lease: "AQE".into(),
            tags: "{}".into(),
        }
    }

    fn key(caller: u128) -> CountKey {
        CountKey {
            pool: Uuid::from_u128(1),
            version: Uuid::from_u128(2),
            caller: Uuid::from_u128(caller),
        }
    }

    #[test]
    fn leases_of_a_minute_are_one_count() {
        let journal = Journal::default();
        for second in [61, 119, 120] {
            let now = Timestamp::from_micros(second * 1_000_000);
            assert!(journal.count((key(1), now), 2, record));
        }
        let mut counts = journal.take_counts(9);
        counts.sort_by_key(|count| count.record_time);
        let told: Vec<_> = counts
            .iter()
            .map(|c| (c.leases, c.uses, c.kind()))
            .collect();
        assert_eq!(told, [(2, 4, "rollup"), (1, 2, "rollup")]);
        assert_eq!(counts[0].record_time, Timestamp::from_micros(60_000_000));
        assert!(journal.take_counts(9).is_empty());
    }

    #[test]
    fn counts_beyond_the_bound_lose_their_names_and_none_of_their_leases() {
        let journal = Journal::default();
        let now = Timestamp::from_micros(0);
        for caller in 0..COUNTS_MAX as u128 + 3 {
            let is_named = journal.count((key(caller), now), 1, record);
            assert_eq!(is_named, caller < COUNTS_MAX as u128);
        }
        let counts = journal.take_counts(usize::MAX);
        assert_eq!(counts.len(), COUNTS_MAX + 1);
        let nameless: Vec<_> = counts.iter().filter(|c| c.caller.is_empty()).collect();
        assert_eq!((nameless.len(), nameless[0].leases), (1, 3));
    }

    #[test]
    fn a_full_line_refuses_and_gives_the_record_back() {
        let journal = Journal::default();
        let now = BootTime::from_nanos(1);
        for _ in 0..DEPTH_MAX {
            assert_eq!(journal.put(record(), now), None);
        }
        assert_eq!(journal.put(record(), now), Some(record()));
        assert!(journal.put_strict(record(), now).is_none());
    }

    #[test]
    fn a_line_that_does_not_move_takes_only_what_waits_for_it() {
        let journal = Journal::default();
        let at = |seconds: u64| BootTime::from_nanos(seconds * 1_000_000_000);
        journal.writes(Some(at(100)));
        assert_eq!(journal.put(record(), at(101)), None);
        assert_eq!(journal.put(record(), at(110)), Some(record()));
        assert!(journal.put_strict(record(), at(110)).is_some());
        journal.writes(None);
        assert_eq!(journal.put(record(), at(111)), None);
    }
}
