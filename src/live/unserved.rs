//! What a call meets that no key serves now: why, by count and by name. Keys that were not asked, since their account had said no, are
//! counted only where the call is refused; names become text only there too.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::account::AccountLive;
use super::choose::Now;
use super::needing::Needed;
use super::passed_over::{First, PassedOver, Place};
use super::refusing::Refusing;
use super::snapshot::{AccountEntry, Candidate, PoolEntry, Stretch};
use crate::domain::hindrance::LIMITS_NAMED_MAX;
use crate::domain::ledger::budget::lack::{Because, Lack};
use crate::domain::refusal::{KeyRefusal, Tally};
use crate::domain::time::{BootTime, Timestamp};

mod refusal;

/// The most accounts that one call waits for at a time.
const ACCOUNTS_AWAITED_MAX: usize = 64;

/// No key serves now.
#[derive(Debug, Default)]
pub struct Unserved {
    /// Why, by key that was asked.
    pub tally: Tally,
    /// Accounts that only lack permits, or what is said to be left of them.
    pub short: Vec<Arc<AccountLive>>,
    /// The database has not said no yet: an answer to a reserve may bring permits.
    pub is_pending: bool,
    /// Tiers that were tried.
    pub(super) tiers: usize,
    /// The right to a canary is being asked for: in a moment this replica may give it.
    pub is_canary_awaited: bool,
    /// When the database is worth asking again.
    pub ask_at: Option<BootTime>,
    /// When the first of all clears that it has to look at by itself, since nobody wakes it then.
    pub look_at: Option<Timestamp>,
    /// Something may be over sooner, and nobody wakes it for that.
    pub is_unwatched: bool,
    /// What accounts have said, each of a model as its provider names it.
    heard: HashMap<Uuid, Vec<Heard>>,
    /// Keys that were not asked.
    skipped: Vec<Skipped>,
    /// Limits that say no, each with its account and when it clears.
    limits: Vec<Refusing>,
    /// Of what cools down, is dead or is disabled, what clears first: one for each of these reasons.
    firsts: Vec<First>,
}

/// What a key is told that does not serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    refusal: KeyRefusal,
    retry: Option<Timestamp>,
    /// Every other key of the account that serves the same models is told this too, or something that clears later.
    pub(super) is_of_all: bool,
}

#[derive(Debug)]
struct Heard {
    model: Option<String>,
    because: Because,
}

#[derive(Debug)]
struct Skipped {
    keys: Arc<[Candidate]>,
    range: Range<usize>,
    /// Those that are well themselves.
    told: Told,
}

impl Unserved {
    /// A key is passed over for something other than permits.
    pub(super) fn pass_over(&mut self, candidate: &Candidate, over: PassedOver) -> Told {
        self.is_canary_awaited |= over.is_awaited;
        let told = self.tell(over.refusal, over.until, over.is_of_all());
        self.is_unwatched |= over.place == Place::Apart && over.until.is_some();
        if over.place != Place::Behind {
            self.looks_at(over.until);
        }
        let mut firsts = self.firsts.iter_mut();
        let known = firsts.find(|first| first.over.refusal == over.refusal);
        let is_told = |first: &&mut First| !over.is_before(&first.over);
        if !over.has_a_name() || known.as_ref().is_some_and(is_told) {
            return told;
        }
        let first = First::of(candidate, over);
        match known {
            Some(known) => *known = first,
            None => self.firsts.push(first),
        }
        told
    }

    /// The limits of a key's account do not give what is needed.
    pub(super) fn refuse(&mut self, because: Because, now: Now) -> Told {
        self.looks_at(because.clears(now));
        self.tell(because.refusal(), because.clears(now), true)
    }

    fn looks_at(&mut self, clears: Option<Timestamp>) {
        self.look_at = self.look_at.into_iter().chain(clears).min();
    }

    fn tell(&mut self, refusal: KeyRefusal, retry: Option<Timestamp>, is_of_all: bool) -> Told {
        self.tally.add(refusal, retry);
        Told {
            refusal,
            retry,
            is_of_all,
        }
    }

    /// The other keys of a run, from this place on, are told what one of them was, and need not be asked.
    pub(super) fn skip(&mut self, stretch: &Stretch<'_>, from: usize, told: Told) {
        let range = from..stretch.range.end;
        if !range.is_empty() {
            let keys = Arc::clone(&stretch.run.keys);
            self.skipped.push(Skipped { keys, range, told });
        }
    }

    /// What an account has said to the need of this model, as its provider names it.
    pub(super) fn heard_of(&self, account: &AccountEntry, model: Option<&str>) -> Option<Because> {
        let heard = self.heard.get(&account.account.meta.uid)?;
        let heard = heard.iter().find(|heard| heard.model.as_deref() == model);
        heard.map(|heard| heard.because)
    }

    /// An account says no, and which of its limits do.
    pub(super) fn hears(
        &mut self,
        account: &Arc<AccountEntry>,
        needed: &Needed<'_>,
        because: Because,
        lacks: Vec<Lack>,
        now: Now,
    ) {
        let model = needed.need.model.map(str::to_owned);
        let heard = self.heard.entry(account.account.meta.uid).or_default();
        heard.push(Heard { model, because });
        for lack in lacks {
            if !self.knows(&lack) {
                let no_price = needed.no_price.as_deref();
                self.limits
                    .push(Refusing::new(account, lack, no_price, now));
            }
        }
        let Because::Short(wait) = because else {
            return;
        };
        self.is_pending |= wait.ask_at <= now.boot;
        self.ask_at = Some(self.ask_at.map_or(wait.ask_at, |at| at.min(wait.ask_at)));
        self.awaits(&account.live);
    }

    /// An account lacks permits, or too little is said to be left of them: that is waited for there, in line.
    pub(super) fn awaits(&mut self, live: &Arc<AccountLive>) {
        if !self.is_short(live) && self.short.len() < ACCOUNTS_AWAITED_MAX {
            self.short.push(Arc::clone(live));
        }
    }

    /// What another key met besides: counted and named as if it had been met here.
    pub(super) fn absorb(&mut self, other: Self) {
        for counted in other.tally.reasons() {
            self.tally.add(counted.refusal, counted.retry);
        }
        self.is_canary_awaited |= other.is_canary_awaited;
        for refusing in other.limits {
            if !self.knows(&refusing.lack) {
                self.limits.push(refusing);
            }
        }
        for first in other.firsts {
            let mut firsts = self.firsts.iter_mut();
            let known = firsts.find(|known| known.over.refusal == first.over.refusal);
            match known {
                Some(known) if first.over.is_before(&known.over) => *known = first,
                Some(_) => {}
                None => self.firsts.push(first),
            }
        }
    }

    /// Whether an account is known to lack permits.
    pub(super) fn is_short(&self, live: &AccountLive) -> bool {
        self.short.iter().any(|short| short.uid() == live.uid())
    }

    /// Whether an account was tried in vain for something other than permits: it cannot serve as things stand. Of what is beyond the
    /// bound of those that are waited for nobody knows.
    #[must_use]
    pub fn is_past(&self, pool: &PoolEntry, live: &AccountLive) -> bool {
        let untried = pool.tiers.iter().skip(self.tiers);
        let mut untried = untried.flat_map(|tier| &tier.runs);
        self.short.len() < ACCOUNTS_AWAITED_MAX
            && !self.is_short(live)
            && !untried.any(|run| run.account.live.uid() == live.uid())
    }

    /// Whether a limit needs no more telling: each is told once, however many models of its account it refuses.
    fn knows(&self, lack: &Lack) -> bool {
        let known = |refusing: &Refusing| refusing.lack.limit.uid == lack.limit.uid;
        self.limits.len() >= LIMITS_NAMED_MAX || self.limits.iter().any(known)
    }
}

#[cfg(test)]
mod tests;
