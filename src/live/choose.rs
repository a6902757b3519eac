//! Choosing a key of a pool: tier by tier, in the order of the pool's strategy, the first that is well and within its limits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::judge::judge;
use super::canaries::Canaries;
use super::snapshot::{AccountEntry, Candidate, PoolEntry, Tier, VersionEntry};
use super::unserved::Unserved;
use super::version::{Applicant, VersionLive};
use crate::domain::claims::{Avoided, LeaseClaims};
use crate::domain::id::Id;
use crate::domain::ledger::budget::{Need, Take, Taken};
use crate::domain::pool::Strategy;
use crate::domain::prices::OperatorPrices;
use crate::domain::selection::{self, Circle};
use crate::domain::time::{BootTime, Timestamp};

pub(super) mod admit;
pub(super) mod judge;

/// What a call asks of a pool.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Permits.
    pub need: Need<'a>,
    /// Prefers the same key for the same value.
    pub affinity_key: Option<&'a str>,
    /// From this account only.
    pub account: Option<&'a Id>,
    /// Not from these, as long as the retry token holds.
    pub avoided: &'a [Avoided],
    /// When the retry token ends.
    pub avoided_until: Option<Timestamp>,
    /// Who asks.
    pub applicant: Applicant,
    /// Where rights to canaries are asked for.
    pub canaries: &'a Canaries,
    /// Prices that operators have set.
    pub prices: &'a OperatorPrices,
}

/// A key that serves, with the permits taken for it.
#[derive(Debug)]
pub struct Chosen {
    /// Its account and key.
    pub account: Arc<AccountEntry>,
    /// The version.
    pub version: Arc<VersionEntry>,
    /// The permits.
    pub taken: Taken,
    /// The single lease that decides over a dead version.
    pub is_canary: bool,
}

/// The clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For permits.
    pub boot: BootTime,
    /// For health.
    pub database: Timestamp,
}

/// Chooses a key and takes its permits, or says why none serves.
///
/// # Errors
/// When none serves now.
pub fn choose(pool: &PoolEntry, wish: &Wish<'_>, now: Now) -> Result<Chosen, Box<Unserved>> {
    let mut unserved = Unserved::default();
    let (ramp, mut held_back) = (pool.pool.health_policy.recovery_ramp(), Vec::new());
    for tier in &pool.tiers {
        let turn = tier.turns.fetch_add(1, Ordering::Relaxed);
        for index in order(pool, tier, wish, turn, now.database) {
            let candidate = &tier.candidates[index];
            if is_held_back(candidate, ramp, now) {
                held_back.push(candidate);
                continue;
            }
            if let Some(chosen) = try_candidate(candidate, wish, now, &mut unserved) {
                return Ok(chosen);
            }
        }
        // Turns count leases alone: tiers and calls that get nothing would otherwise advance in step with those that do, and of two
        // keys the same one would have every turn.
        tier.turns.fetch_sub(1, Ordering::Relaxed);
        // The next tier is for when this one has nothing, not for when nobody has asked yet.
        if unserved.is_pending {
            break;
        }
    }
    // What grows back serves more than its share where no other can.
    for candidate in held_back {
        if let Some(chosen) = try_candidate(candidate, wish, now, &mut unserved) {
            return Ok(chosen);
        }
    }
    pool.count_distrusted(wish.account, &mut unserved.tally);
    Err(Box::new(unserved))
}

/// Gives back what was chosen for a lease that cannot be written: its permits, and its turn as the canary.
pub fn undo(account: &AccountEntry, version: &VersionEntry, lease: &LeaseClaims) {
    let uses = u64::from(lease.granted);
    account
        .live
        .with_budget(|budget| budget.undo(&lease.draws, uses));
    if lease.is_canary {
        version.live.canary().recall();
    }
}

/// The keys of a tier as they are to be tried. Without an affinity key nothing is listed, however many there are.
pub(super) fn order(
    pool: &PoolEntry,
    tier: &Tier,
    wish: &Wish<'_>,
    turn: u64,
    now: Timestamp,
) -> impl Iterator<Item = usize> {
    let ranked = wish.affinity_key.map(|key| ranked(tier, key));
    let around = match ranked {
        Some(_) => Circle::default(),
        None => circle(pool, tier, turn, now),
    };
    ranked.into_iter().flatten().chain(around.indexes())
}

fn ranked(tier: &Tier, affinity_key: &str) -> Vec<usize> {
    let mut indexes: Vec<_> = (0..tier.candidates.len()).collect();
    indexes.sort_by_cached_key(|i| {
        let uid = tier.candidates[*i].key.meta.uid.as_u128();
        std::cmp::Reverse(selection::affinity(affinity_key, uid))
    });
    indexes
}

fn circle(pool: &PoolEntry, tier: &Tier, turn: u64, now: Timestamp) -> Circle {
    let count = tier.candidates.len();
    match pool.pool.strategy {
        Strategy::RoundRobin => selection::round_robin(turn, count),
        Strategy::Weighted => selection::weighted(turn, &tier.cumulative),
        Strategy::LeastUsed => selection::least_used(turn, count, |i| {
            let version = tier.candidates[i].version.as_ref();
            version.map_or(0, |v| v.live.recent(now))
        }),
    }
}

/// Whether a key leaves this turn to others, while it grows back to its whole share.
fn is_held_back(candidate: &Candidate, ramp: Duration, now: Now) -> bool {
    let version = candidate.version.as_ref();
    version.is_some_and(|version| version.live.is_held_back(ramp, now.database))
}

/// Takes a key that may serve, with its permits.
fn try_candidate(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
) -> Option<Chosen> {
    // A canary is taken by asking.
    let lasts = wish.need.lease_duration;
    let ask = |version: &VersionLive| version.admit(wish.applicant, wish.canaries, lasts, now);
    let fit = judge(candidate, wish, now, unserved, ask)?;
    let take = candidate.account.live.take(fit.need, now.boot, |lack| {
        unserved.lacks(&candidate.account, lack, now);
    });
    let Take::Taken(taken) = take else {
        if fit.is_canary {
            fit.version.live.canary().recall();
        }
        unserved.refuse(candidate, &take, now);
        return None;
    };
    fit.version.live.used(taken.uses, now.database);
    Some(Chosen {
        account: Arc::clone(&candidate.account),
        version: Arc::clone(fit.version),
        taken,
        is_canary: fit.is_canary,
    })
}
