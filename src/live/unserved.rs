//! What a call meets that no key serves now: why, by count and by name. Names become text only where the call is refused.

use std::sync::Arc;

use super::account::AccountLive;
use super::choose::Now;
use super::passed_over::{First, PassedOver};
use super::snapshot::{AccountEntry, Candidate};
use crate::domain::hindrance::{Hindrance, LIMITS_NAMED_MAX, LimitHindrance};
use crate::domain::ledger::budget::Take;
use crate::domain::ledger::budget::lack::{Because, Lack};
use crate::domain::ledger::work::Wait;
use crate::domain::name::{LimitName, OwnerName};
use crate::domain::prices::NoPrice;
use crate::domain::refusal::{KeyRefusal, LeaseRefusal, Tally};
use crate::domain::time::{BootTime, Timestamp};

/// The most accounts that one call waits for at a time.
const ACCOUNTS_AWAITED_MAX: usize = 64;

/// No key serves now.
#[derive(Debug, Default)]
pub struct Unserved {
    /// Why, by key.
    pub tally: Tally,
    /// Accounts that only lack permits.
    pub short: Vec<Arc<AccountLive>>,
    /// The database has not said no yet: an answer to a reserve may bring permits.
    pub is_pending: bool,
    /// The right to a canary is being asked for: in a moment this replica may give it.
    pub is_canary_awaited: bool,
    /// When the database is worth asking again.
    pub ask_at: Option<BootTime>,
    /// Why nobody knows what a use costs of the key that was tried last.
    pub(super) no_price: Option<Box<NoPrice>>,
    /// Limits that say no, each with its account and when it clears.
    limits: Vec<Limiting>,
    /// Of what cools down, is dead or is disabled, what clears first: one for each of these reasons.
    firsts: Vec<First>,
}

#[derive(Debug)]
struct Limiting {
    account: Arc<AccountEntry>,
    lack: Lack,
    clears: Option<Timestamp>,
    no_price: Option<Box<NoPrice>>,
}

impl Unserved {
    /// A key is passed over for something other than permits.
    pub(super) fn pass_over(&mut self, candidate: &Candidate, over: PassedOver) {
        self.tally.add(over.refusal, over.until);
        let has_a_name = matches!(
            over.refusal,
            KeyRefusal::Cooling | KeyRefusal::Provider | KeyRefusal::Dead | KeyRefusal::Disabled
        );
        if !has_a_name {
            return;
        }
        let mut firsts = self.firsts.iter_mut();
        let known = firsts.find(|first| first.over.refusal == over.refusal);
        let is_told = |first: &&mut First| !over.is_before(&first.over);
        if known.as_ref().is_some_and(is_told) {
            return;
        }
        let first = First::of(candidate, over);
        match known {
            Some(known) => *known = first,
            None => self.firsts.push(first),
        }
    }

    /// The limits of a key's account do not give what is needed; which of them, [`Self::lacks`] was told.
    pub(super) fn refuse(&mut self, candidate: &Candidate, take: &Take, now: Now) {
        match *take {
            Take::Taken(_) => {}
            Take::Short(wait) => self.lacks_permits(&candidate.account.live, wait, now),
            Take::TooLarge(..) => self.tally.add(KeyRefusal::TooLarge, None),
            Take::ModelRequired => self.tally.add(KeyRefusal::ModelRequired, None),
            Take::CostRequired => self.tally.add(KeyRefusal::CostRequired, None),
        }
    }

    /// What another key met besides: counted and named as if it had been met here.
    pub(super) fn absorb(&mut self, other: Self) {
        for counted in other.tally.reasons() {
            self.tally.add(counted.refusal, counted.retry);
        }
        self.is_canary_awaited |= other.is_canary_awaited;
        for limiting in other.limits {
            if !self.knows(&limiting.lack) {
                self.limits.push(limiting);
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

    fn lacks_permits(&mut self, live: &Arc<AccountLive>, wait: Wait, now: Now) {
        self.is_pending |= wait.ask_at <= now.boot;
        self.ask_at = Some(self.ask_at.map_or(wait.ask_at, |at| at.min(wait.ask_at)));
        self.tally.add(shortage(wait), Some(clears(wait, now)));
        if !self.is_short(live) && self.short.len() < ACCOUNTS_AWAITED_MAX {
            self.short.push(Arc::clone(live));
        }
    }

    /// Whether an account is known to lack permits.
    pub(super) fn is_short(&self, live: &AccountLive) -> bool {
        self.short.iter().any(|short| short.uid() == live.uid())
    }

    /// A limit says no. Each is told once, however many keys of its account are tried.
    pub(super) fn lacks(&mut self, account: &Arc<AccountEntry>, lack: Lack, now: Now) {
        if self.knows(&lack) {
            return;
        }
        self.limits.push(Limiting {
            clears: clears_at(&lack, now),
            account: Arc::clone(account),
            no_price: self.no_price.clone(),
            lack,
        });
    }

    /// Whether a limit needs no more telling.
    fn knows(&self, lack: &Lack) -> bool {
        let known = |limiting: &Limiting| limiting.lack.limit.uid == lack.limit.uid;
        self.limits.len() >= LIMITS_NAMED_MAX || self.limits.iter().any(known)
    }

    /// The limits that say no, by name, each with when it clears.
    pub(super) fn limit_hindrances(
        &self,
    ) -> impl Iterator<Item = (Hindrance, Option<Timestamp>)> + '_ {
        let limits = self.limits.iter();
        limits.map(|limiting| (limiting.hindrance(), limiting.clears))
    }

    /// The refusal: here, and only here, names become text.
    #[must_use]
    pub fn refusal(&self, now: Timestamp) -> LeaseRefusal {
        let limits = self.limits.iter().map(Limiting::hindrance);
        let firsts = self.firsts.iter();
        let others = firsts.filter_map(|first| first.hindrance(now));
        LeaseRefusal::NoKey(self.tally.clone(), limits.chain(others).collect())
    }
}

impl Limiting {
    fn hindrance(&self) -> Hindrance {
        Hindrance::Limit(LimitHindrance {
            refusal: match self.lack.because {
                Because::Short(wait) => shortage(wait),
                Because::TooLarge => KeyRefusal::TooLarge,
                Because::ModelRequired => KeyRefusal::ModelRequired,
                Because::CostRequired => KeyRefusal::CostRequired,
            },
            name: LimitName {
                owner: OwnerName::Account(self.account.account.id.clone()),
                limit: self.lack.limit.id.clone(),
            },
            limit: Arc::clone(&self.lack.limit),
            needed: self.lack.needed,
            clears: self.clears,
            no_price: self.no_price.clone(),
        })
    }
}

/// What a lack of permits is to a key.
const fn shortage(wait: Wait) -> KeyRefusal {
    if wait.is_unreachable {
        KeyRefusal::Unreachable
    } else if wait.is_frozen {
        KeyRefusal::Frozen
    } else {
        KeyRefusal::Limit
    }
}

/// A limit of an account that says no, by name.
pub(super) fn limit_hindrance(
    account: &Arc<AccountEntry>,
    lack: Lack,
    no_price: Option<Box<NoPrice>>,
    now: Now,
) -> Hindrance {
    let limiting = Limiting {
        clears: clears_at(&lack, now),
        account: Arc::clone(account),
        lack,
        no_price,
    };
    limiting.hindrance()
}

/// When a limit that says no clears; `None` where waiting does not help.
fn clears_at(lack: &Lack, now: Now) -> Option<Timestamp> {
    match lack.because {
        Because::Short(wait) => Some(clears(wait, now)),
        Because::TooLarge | Because::ModelRequired | Because::CostRequired => None,
    }
}

fn clears(wait: Wait, now: Now) -> Timestamp {
    now.database.after(wait.retry_at(now.boot).since(now.boot))
}
