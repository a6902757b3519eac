//! In which order the keys of a tier are tried.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Wish;
use crate::domain::pool::Strategy;
use crate::domain::selection::{self, Affinity};
use crate::domain::time::Timestamp;
use crate::live::snapshot::{PoolEntry, Stretch, Tier};

/// The keys of a tier as they are to be tried. Without an affinity key nothing is listed, however many there are.
pub(in crate::live) fn order<'a>(
    pool: &PoolEntry,
    tier: &'a Tier,
    wish: &Wish<'_>,
    turn: u64,
    now: Timestamp,
) -> impl Iterator<Item = Stretch<'a>> {
    let ranked = wish.affinity_key.map(|key| ranked(tier, key));
    let around = match ranked {
        Some(_) => None,
        None => Some(tier.around(first(pool, tier, turn, now))),
    };
    let ranked = ranked.into_iter().flatten();
    ranked.chain(around.into_iter().flatten())
}

/// The most preferred first; the others are ranked only where that one does not serve.
fn ranked<'a>(tier: &'a Tier, affinity_key: &str) -> impl Iterator<Item = Stretch<'a>> {
    let affinity = Affinity::new(affinity_key);
    let scores = move || {
        let keys = tier.keys().enumerate();
        keys.map(move |(index, c)| (affinity.to(c.key.meta.uid.as_u128()), Reverse(index)))
    };
    let mut others: Option<BinaryHeap<_>> = None;
    let others = std::iter::from_fn(move || {
        let others = others.get_or_insert_with(|| {
            let mut all: BinaryHeap<_> = scores().collect();
            all.pop();
            all
        });
        others.pop()
    });
    let ranked = scores().max().into_iter().chain(others);
    ranked.filter_map(|(_, Reverse(index))| tier.single(index))
}

fn first(pool: &PoolEntry, tier: &Tier, turn: u64, now: Timestamp) -> usize {
    match pool.pool.strategy {
        Strategy::RoundRobin => selection::round_robin(turn, tier.count),
        Strategy::Weighted => tier.index_at(selection::weighted(turn, tier.weight)),
        Strategy::LeastUsed => selection::least_used(turn, tier.count, |index| {
            let version = tier.key(index).and_then(|key| key.version.as_ref());
            version.map_or(0, |v| v.live.recent(now))
        }),
    }
}
