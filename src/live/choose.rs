//! Choosing a key of a pool: tier by tier, in the order of the pool's strategy, the first that is well and within its limits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::snapshot::{Candidate, PoolEntry, Tier, VersionEntry};
use super::unserved::{PassedOver, Unserved};
use crate::domain::claims::Avoided;
use crate::domain::disablement::is_disabled;
use crate::domain::id::Id;
use crate::domain::ledger::budget::{Need, Take, Taken};
use crate::domain::pool::Strategy;
use crate::domain::refusal::KeyRefusal;
use crate::domain::selection::{self, Circle};
use crate::domain::time::{BootTime, Timestamp};
use crate::domain::vitals::Admission;

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
    /// Until when a canary is waited for.
    pub canary_until: Timestamp,
}

/// A key that serves, with the permits taken for it.
#[derive(Debug)]
pub struct Chosen {
    /// Its account and key.
    pub account: Arc<super::snapshot::AccountEntry>,
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
pub fn choose(pool: &PoolEntry, wish: &Wish<'_>, now: Now) -> Result<Chosen, Unserved> {
    let mut unserved = Unserved::default();
    for tier in &pool.tiers {
        for index in order(pool, tier, wish, now.database) {
            let candidate = &tier.candidates[index];
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
    pool.count_distrusted(wish.account, &mut unserved.tally);
    Err(unserved)
}

/// The keys of a tier as they are to be tried. Without an affinity key nothing is listed, however many there are.
fn order(
    pool: &PoolEntry,
    tier: &Tier,
    wish: &Wish<'_>,
    now: Timestamp,
) -> impl Iterator<Item = usize> {
    let turn = tier.turns.fetch_add(1, Ordering::Relaxed);
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

fn try_candidate(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
) -> Option<Chosen> {
    let version = match admit(candidate, wish, now.database) {
        Ok(version) => version,
        Err(over) => {
            unserved.pass_over(candidate, over);
            return None;
        }
    };
    let live = &candidate.account.live;
    let lacked = unserved.is_short(live);
    let need = Need {
        is_new: wish.need.is_new && !lacked,
        model: as_the_provider_names_it(candidate, wish),
        ..wish.need
    };
    let admission = version.live.admit(wish.canary_until, now.database);
    let is_canary = match admission {
        Admission::Normal => false,
        Admission::Canary => true,
        Admission::Cooling(until) => {
            unserved.pass_over(candidate, PassedOver::until(KeyRefusal::Cooling, until));
            return None;
        }
        Admission::Dead(until) => {
            unserved.pass_over(candidate, PassedOver::until(KeyRefusal::Dead, until));
            return None;
        }
    };
    let need = Need {
        uses: if is_canary { 1 } else { need.uses },
        ..need
    };
    let take = live.take(need, now.boot, |lack| {
        unserved.lacks(&candidate.account, lack, now);
    });
    if is_canary && !matches!(take, Take::Taken(_)) {
        version.live.recall_canary();
    }
    match take {
        Take::Taken(taken) => {
            version.live.used(taken.uses, now.database);
            return Some(Chosen {
                account: Arc::clone(&candidate.account),
                version: Arc::clone(version),
                taken,
                is_canary,
            });
        }
        Take::Short(wait) => unserved.lacks_permits(live, wait, now),
        Take::TooLarge(..) => unserved.tally.add(KeyRefusal::TooLarge, None),
        Take::ModelRequired => unserved.tally.add(KeyRefusal::ModelRequired, None),
        Take::CostRequired => unserved.tally.add(KeyRefusal::CostRequired, None),
    }
    None
}

/// Limits and cooldowns of a model are those of the provider's name for it, whatever the call named.
fn as_the_provider_names_it<'a>(candidate: &'a Candidate, wish: &Wish<'a>) -> Option<&'a str> {
    let models = &candidate.key.models;
    wish.need.model.map(|model| models.provider_name(model))
}

/// Whether a key may serve at all: everything but its own health and its permits.
fn admit<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'_>,
    now: Timestamp,
) -> Result<&'a Arc<VersionEntry>, PassedOver> {
    let (account, key) = (&candidate.account.account, &candidate.key);
    if wish.account.is_some_and(|pinned| *pinned != account.id) {
        return Err(PassedOver::of(KeyRefusal::Avoided, None));
    }
    let disablements = [(&account.disablement, true), (&key.disablement, false)];
    for (disablement, is_of_account) in disablements {
        if is_disabled(disablement.as_ref(), now) {
            let until = disablement.as_ref().and_then(|d| d.until);
            return Err(PassedOver {
                is_of_account,
                ..PassedOver::of(KeyRefusal::Disabled, until)
            });
        }
    }
    if !key.models.serves(wish.need.model) {
        return Err(PassedOver::of(KeyRefusal::Model, None));
    }
    let version = candidate.version.as_ref();
    let version = version.ok_or_else(|| PassedOver::of(KeyRefusal::NoVersion, None))?;
    if version.credential.is_none() {
        return Err(PassedOver::of(KeyRefusal::Undecryptable, None));
    }
    let model = as_the_provider_names_it(candidate, wish);
    if let Some(cause) = candidate.account.live.cooling(model, now) {
        return Err(PassedOver {
            is_of_account: true,
            ..PassedOver::cooling(cause)
        });
    }
    if let Some(cause) = model.and_then(|m| version.live.cooling(m, now)) {
        return Err(PassedOver::cooling(cause));
    }
    if candidate.is_avoided(wish.avoided) {
        return Err(PassedOver::of(KeyRefusal::Avoided, wish.avoided_until));
    }
    Ok(version)
}
