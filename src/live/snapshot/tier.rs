//! The keys of one tier of a pool. Keys of one account that serve the same models stand together: what the account says to one of them it
//! says to all, so that nobody has to ask for each. Every pool that an account is a member of shares them.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::{AccountEntry, VersionEntry};
use crate::domain::key::Key;

/// The keys of one tier.
#[derive(Debug)]
pub struct Tier {
    /// 1 is the first.
    pub number: u32,
    /// In order of account, and none of them empty.
    pub runs: Vec<Run>,
    /// How many keys there are.
    pub count: usize,
    /// What they weigh together.
    pub weight: u64,
    /// Counts its leases, to take turns.
    pub turns: Arc<AtomicU64>,
}

/// Keys of one account that serve the same models and weigh the same, in order of their ids.
#[derive(Debug)]
pub struct Run {
    /// Of all of them.
    pub account: Arc<AccountEntry>,
    /// At least one.
    pub keys: Arc<[Candidate]>,
    /// How many of them have a version to lease.
    pub leased: usize,
    /// Share of the tier, of each of them.
    pub weight: u32,
    /// How many keys of the tier come before them, and what those weigh.
    before: (usize, u64),
}

/// Keys of one account that serve the same models, on their way into runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Alike {
    /// In order of their ids.
    pub keys: Arc<[Candidate]>,
    /// How many of them have a version to lease: counted once for every pool.
    leased: usize,
}

/// One key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its account.
    pub account: Arc<AccountEntry>,
    /// The key.
    pub key: Arc<Key>,
    /// Its current version, if it has one.
    pub version: Option<Arc<VersionEntry>>,
}

/// Keys of one run, to be tried one after the other.
#[derive(Debug, Clone)]
pub struct Stretch<'a> {
    /// What they are of.
    pub run: &'a Run,
    /// Which of them.
    pub range: Range<usize>,
}

impl Tier {
    /// These keys, with the weight of each.
    #[must_use]
    pub fn new(
        number: u32,
        keys: impl IntoIterator<Item = (Alike, u32)>,
        turns: Arc<AtomicU64>,
    ) -> Self {
        let (mut count, mut weight) = (0, 0);
        let run = |(Alike { keys, leased }, each): (Alike, u32)| {
            let account = Arc::clone(&keys.first()?.account);
            let before = (count, weight);
            count += keys.len();
            weight += keys.len() as u64 * u64::from(each);
            Some(Run {
                account,
                keys,
                leased,
                weight: each,
                before,
            })
        };
        Self {
            number,
            runs: keys.into_iter().filter_map(run).collect(),
            count,
            weight,
            turns,
        }
    }

    /// All keys once, from this one on, around the circle.
    pub fn around(&self, first: usize) -> impl Iterator<Item = Stretch<'_>> {
        let at = self.run_of(first);
        let split = self.runs.get(at).map_or(0, |run| first - run.before.0);
        let (earlier, later) = self.runs.split_at(at);
        let tail = later.first().map(|run| run.stretch(split..run.keys.len()));
        let head = later.first().map(|run| run.stretch(0..split));
        let others = later.iter().skip(1).chain(earlier);
        tail.into_iter()
            .chain(others.map(|run| run.stretch(0..run.keys.len())))
            .chain(head)
    }

    /// One key alone.
    #[must_use]
    pub fn single(&self, index: usize) -> Option<Stretch<'_>> {
        let run = self.runs.get(self.run_of(index))?;
        let place = index - run.before.0;
        (place < run.keys.len()).then(|| run.stretch(place..place + 1))
    }

    /// Into whose weight a point falls, once all are summed up.
    #[must_use]
    pub fn index_at(&self, point: u64) -> usize {
        let at = self.runs.partition_point(|run| run.before.1 <= point);
        let run = at.checked_sub(1).and_then(|at| self.runs.get(at));
        run.map_or(0, |run| {
            let place = (point - run.before.1) / u64::from(run.weight.max(1));
            run.before.0 + usize::try_from(place).unwrap_or(0)
        })
    }

    /// The key at an index.
    #[must_use]
    pub fn key(&self, index: usize) -> Option<&Candidate> {
        let run = self.runs.get(self.run_of(index))?;
        run.keys.get(index - run.before.0)
    }

    /// Its keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Candidate> {
        self.runs.iter().flat_map(|run| run.keys.iter())
    }

    fn run_of(&self, index: usize) -> usize {
        let at = self.runs.partition_point(|run| run.before.0 <= index);
        at.saturating_sub(1)
    }
}

impl FromIterator<Candidate> for Alike {
    fn from_iter<I: IntoIterator<Item = Candidate>>(keys: I) -> Self {
        let keys: Arc<[Candidate]> = keys.into_iter().collect();
        let leased = keys.iter().filter(|key| key.version.is_some()).count();
        Self { keys, leased }
    }
}

impl Run {
    const fn stretch(&self, range: Range<usize>) -> Stretch<'_> {
        Stretch { run: self, range }
    }
}

impl<'a> Stretch<'a> {
    /// Its keys, each with its place in the run.
    pub fn keys(&self) -> impl Iterator<Item = (usize, &'a Candidate)> + use<'a> {
        let keys = self.run.keys.iter().enumerate();
        keys.take(self.range.end).skip(self.range.start)
    }
}
