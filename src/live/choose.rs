//! Choosing a key of a pool: tier by tier, in the order of the pool's strategy, the first that is well and within its limits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use self::growing::Growing;
use self::judge::{Fit, judge};
use self::order::order;
use super::account::Asking;
use super::canaries::Canaries;
use super::needing::{Needed, pass_over};
use super::passed_over::PassedOver;
use super::snapshot::{AccountEntry, Candidate, PoolEntry, Stretch, Tier, VersionEntry};
use super::unserved::{Told, Unserved};
use super::version::{Applicant, VersionLive};
use crate::domain::claims::{Avoided, LeaseClaims};
use crate::domain::id::Id;
use crate::domain::ledger::budget::lack::Because;
use crate::domain::ledger::budget::{Need, Taken};
use crate::domain::ledger::settle::Part;
use crate::domain::prices::OperatorPrices;
use crate::domain::time::{BootTime, Timestamp};

pub(super) mod admit;
mod growing;
pub(super) mod judge;
pub(super) mod order;
mod trial;

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
    let mut growing = Growing::new(pool);
    for tier in &pool.tiers {
        unserved.tiers += 1;
        let turn = tier.turns.fetch_add(1, Ordering::Relaxed);
        for stretch in order(pool, tier, wish, turn, now.database) {
            let chosen = try_stretch((tier, &stretch), wish, now, &mut unserved, &mut growing);
            if let Some(chosen) = chosen {
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
    let ask =
        |candidate: &Candidate, unserved: &mut Unserved| try_key(candidate, wish, now, unserved);
    if let Some(chosen) = growing.serve(&mut unserved, ask) {
        return Ok(chosen);
    }
    pool.count_distrusted(wish.account, &mut unserved.tally);
    Err(Box::new(unserved))
}

/// Gives back what was chosen for a lease that cannot be written: its permits, and its turn as the canary.
pub fn undo(account: &AccountEntry, version: &VersionEntry, lease: &LeaseClaims, now: BootTime) {
    let uses = u64::from(lease.granted);
    account
        .live
        .with_budget(|budget| budget.undo(&lease.draws, uses));
    if lease.is_canary {
        version.live.canary().recall(now);
    }
    let part = Part::not_sent(uses);
    account.answered(lease, &[part], false, lease.given);
    account.live.recall(Some(&lease.model), lease.given);
    version.live.recall(Some(&lease.model), lease.given);
    if account.provider.take_trial(lease.given) {
        account.provider.trial().recall(now);
    }
}

/// Takes the first that serves of some keys, with its permits. Once their account refuses for all of them, the others are not asked: they
/// are only counted, where the call is refused.
fn try_stretch<'a>(
    (tier, stretch): (&'a Tier, &Stretch<'a>),
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
    growing: &mut Growing<'a>,
) -> Option<Chosen> {
    for (place, candidate) in stretch.keys() {
        if growing.holds_back(tier, (stretch.run, place), candidate, now.database) {
            continue;
        }
        let told = match try_key(candidate, wish, now, unserved) {
            Ok(chosen) => return Some(chosen),
            Err(told) => told,
        };
        if told.is_of_all {
            growing.told(stretch.run, told);
            unserved.skip(stretch, place + 1, told);
            return None;
        }
    }
    None
}

/// Takes a key that serves, with its permits.
fn try_key(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
) -> Result<Chosen, Told> {
    // A canary is taken by asking.
    let lasts = wish.need.lease_duration;
    let ask = |version: &VersionLive| version.admit(wish.applicant, wish.canaries, lasts, now);
    let fit = judge(candidate, wish, now, ask);
    match fit.and_then(|fit| trial::take(candidate, wish, fit, now)) {
        Ok(fit) => match take(candidate, &fit, wish, now, unserved) {
            Ok(chosen) => Ok(chosen),
            Err(No::Permits(because)) => Err(unserved.refuse(because, now)),
            Err(No::Rests(over)) => Err(pass_over(candidate, wish, now, over, unserved)),
        },
        Err(over) => Err(pass_over(candidate, wish, now, over, unserved)),
    }
}

/// Why no permits are taken of an account for a key that may serve.
enum No {
    /// Its limits do not give them.
    Permits(Because),
    /// Too little is left of them, by what the provider has said.
    Rests(PassedOver),
}

/// Takes the permits for a key that may serve, unless its account is known to refuse them.
fn take(
    candidate: &Candidate,
    fit: &Fit<'_>,
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
) -> Result<Chosen, No> {
    let known = unserved.heard_of(&candidate.account, fit.model);
    let known = known.map(|because| Err(No::Permits(because)));
    let taken = known.unwrap_or_else(|| ask(candidate, fit, wish, now, unserved));
    if taken.is_err() {
        trial::recall(candidate, fit, now);
    }
    let taken = taken?;
    fit.version.live.used(taken.uses, now.database);
    let provider = &candidate.account.provider;
    provider.used(fit.version.live.uid(), now.database);
    if fit.is_trial {
        candidate.account.provider.tried(now.database);
    }
    Ok(Chosen {
        account: Arc::clone(&candidate.account),
        version: Arc::clone(fit.version),
        taken,
        is_canary: fit.is_canary,
    })
}

/// Asks an account for permits. What it refuses is remembered for its other keys.
fn ask(
    candidate: &Candidate,
    fit: &Fit<'_>,
    wish: &Wish<'_>,
    now: Now,
    unserved: &mut Unserved,
) -> Result<Taken, No> {
    let account = &candidate.account;
    let mut needed = Needed::new(candidate, wish, fit.uses, now.database);
    // Demand is counted once for each account.
    needed.need.is_new &= !unserved.is_short(&account.live);
    needed.need.lease_duration = fit.lasts;
    let asking = Asking {
        applicant: wish.applicant,
        is_try: fit.is_try,
        now: now.database,
    };
    let mut lacks = Vec::new();
    let lack = |lack| lacks.push(lack);
    let take = account.live.take(needed.need, asking, now.boot, lack);
    let take = take.map_err(|rest| {
        unserved.awaits(&account.live);
        No::Rests(PassedOver::resting(rest))
    })?;
    take.done().map_err(|because| {
        unserved.hears(account, &needed, because, lacks, now);
        No::Permits(because)
    })
}

#[cfg(test)]
mod tests;
