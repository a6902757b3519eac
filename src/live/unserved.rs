//! What a call meets that no key serves now: why, by count and by name. Names become text only where the call is refused.

use std::sync::Arc;

use super::account::AccountLive;
use super::choose::Now;
use super::snapshot::{AccountEntry, Candidate, VersionEntry};
use crate::domain::disablement::Disablement;
use crate::domain::health::Cause;
use crate::domain::hindrance::{Hindrance, LIMITS_NAMED_MAX, LimitHindrance};
use crate::domain::key::Key;
use crate::domain::ledger::budget::lack::{Because, Lack};
use crate::domain::ledger::work::Wait;
use crate::domain::name::{AccountName, KeyName, LimitName, OwnerName};
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

/// Of keys that are passed over for the same reason, the one that may serve first.
#[derive(Debug)]
struct First {
    account: Arc<AccountEntry>,
    key: Arc<Key>,
    version: Option<Arc<VersionEntry>>,
    over: PassedOver,
}

/// Why a key is passed over, and until when.
#[derive(Debug)]
pub(super) struct PassedOver {
    pub(super) refusal: KeyRefusal,
    pub(super) until: Option<Timestamp>,
    /// The account is the matter, not this key of it.
    pub(super) is_of_account: bool,
    /// The cooldown; `None` where the version's health has it.
    pub(super) cause: Option<Cause>,
}

impl PassedOver {
    pub(super) const fn of(refusal: KeyRefusal, until: Option<Timestamp>) -> Self {
        Self {
            refusal,
            until,
            is_of_account: false,
            cause: None,
        }
    }

    pub(super) const fn until(refusal: KeyRefusal, until: Timestamp) -> Self {
        Self::of(refusal, Some(until))
    }

    pub(super) fn cooling(cause: Cause) -> Self {
        Self {
            until: Some(cause.until),
            cause: Some(cause),
            ..Self::of(KeyRefusal::Cooling, None)
        }
    }

    /// Of two reasons the one that clears later; this one, where both clear at once or never.
    pub(super) fn later(self, other: Self) -> Self {
        if self.is_before(&other) { other } else { self }
    }

    /// What never ends by itself comes last.
    fn is_before(&self, other: &Self) -> bool {
        (self.until.is_none(), self.until) < (other.until.is_none(), other.until)
    }
}

impl Unserved {
    /// A key is passed over for something other than permits.
    pub(super) fn pass_over(&mut self, candidate: &Candidate, over: PassedOver) {
        self.tally.add(over.refusal, over.until);
        let has_a_name = matches!(
            over.refusal,
            KeyRefusal::Cooling | KeyRefusal::Dead | KeyRefusal::Disabled
        );
        if !has_a_name {
            return;
        }
        let mut firsts = self.firsts.iter_mut();
        let known = firsts.find(|first| first.over.refusal == over.refusal);
        if known
            .as_ref()
            .is_some_and(|first| !over.is_before(&first.over))
        {
            return;
        }
        let first = First {
            account: Arc::clone(&candidate.account),
            key: Arc::clone(&candidate.key),
            version: candidate.version.clone(),
            over,
        };
        match known {
            Some(known) => *known = first,
            None => self.firsts.push(first),
        }
    }

    /// Permits are lacking; which of the limits, [`Self::lacks`] was told.
    pub(super) fn lacks_permits(&mut self, live: &Arc<AccountLive>, wait: Wait, now: Now) {
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
        let known = |limiting: &Limiting| limiting.lack.limit.uid == lack.limit.uid;
        if self.limits.len() >= LIMITS_NAMED_MAX || self.limits.iter().any(known) {
            return;
        }
        let clears = match lack.because {
            Because::Short(wait) => Some(clears(wait, now)),
            Because::TooLarge | Because::ModelRequired | Because::CostRequired => None,
        };
        self.limits.push(Limiting {
            account: Arc::clone(account),
            no_price: self.no_price.clone(),
            lack,
            clears,
        });
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

impl First {
    /// `None` where it has cleared meanwhile.
    fn hindrance(&self, now: Timestamp) -> Option<Hindrance> {
        let resource = self.resource();
        if self.over.refusal == KeyRefusal::Disabled {
            let word = self.word()?.clone();
            return Some(Hindrance::Disabled { resource, word });
        }
        let own = || {
            let health = self.version.as_ref()?.live.health(now);
            health.cause().cloned()
        };
        let mut cause = self.over.cause.clone().or_else(own)?;
        // A dead version whose canary is out waits for that.
        cause.until = self.over.until.unwrap_or(cause.until);
        Some(Hindrance::Ailing {
            refusal: self.over.refusal,
            resource,
            cause,
        })
    }

    fn resource(&self) -> String {
        let account = self.account.account.id.clone();
        if self.over.is_of_account {
            return AccountName(account).to_text();
        }
        let key = self.key.id.clone();
        KeyName { account, key }.to_text()
    }

    fn word(&self) -> Option<&Disablement> {
        if self.over.is_of_account {
            self.account.account.disablement.as_ref()
        } else {
            self.key.disablement.as_ref()
        }
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

fn clears(wait: Wait, now: Now) -> Timestamp {
    now.database.after(wait.retry_at(now.boot).since(now.boot))
}
