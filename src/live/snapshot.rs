//! The configuration as this replica last read it: immutable, swapped whole, with the opened secrets and the ways to what lives.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::account::AccountLive;
use super::credential::Credential;
use super::provider::ProviderLive;
use super::version::VersionLive;
use crate::crypto::Fingerprint;
use crate::domain::account::Account;
use crate::domain::caller::{Bearer, Caller, Token};
use crate::domain::claims::LeaseClaims;
use crate::domain::disablement::is_disabled;
use crate::domain::id::Id;
use crate::domain::key::{Key, KeyVersion};
use crate::domain::ledger::settle::Part;
use crate::domain::limit::{Dimension, Limit};
use crate::domain::prices::OperatorPrices;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::remaining::Lent;
use crate::domain::time::Timestamp;

mod pool_entry;
mod tier;

pub use pool_entry::{Lacking, PoolEntry};
pub use tier::{Alike, Candidate, Run, Stretch, Tier};

/// The configuration as this replica last read it.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Everything up to this revision is in it.
    pub rev: i64,
    /// In which epoch of the database that revision was read.
    pub epoch: u64,
    /// By uid.
    pub accounts: HashMap<Uuid, Arc<AccountEntry>>,
    /// Versions that are not revoked, by uid.
    pub versions: HashMap<Uuid, Arc<VersionEntry>>,
    /// By id.
    pub pools: HashMap<Id, Arc<PoolEntry>>,
    /// By uid.
    pub pools_by_uid: HashMap<Uuid, Arc<PoolEntry>>,
    /// By uid.
    pub callers: HashMap<Uuid, Arc<Caller>>,
    /// Where accounts go.
    pub providers: Vec<Arc<ProviderLive>>,
    /// Limits that have an offline share, each with what lives of its account.
    pub offline: Vec<(Arc<AccountLive>, Arc<Limit>)>,
    /// By their id.
    pub tokens: HashMap<String, Arc<Token>>,
    /// Prices that operators have set.
    pub prices: Arc<OperatorPrices>,
    /// How many rows are not believed, by kind.
    pub distrusted_rows: Vec<(&'static str, usize)>,
    /// Pools whose rows are not believed, by what those call them.
    pub distrusted_pools: HashSet<Id>,
}

impl Snapshot {
    /// The caller whom a token stands for, if it is here, is good, and the caller is not disabled.
    #[must_use]
    pub fn owner(&self, token: &Token, now: Timestamp) -> Option<&Arc<Caller>> {
        let token = self.tokens.get(&token.id).filter(|t| t.uid == token.uid)?;
        let caller = self.callers.get(&token.caller_uid)?;
        let is_good = token.is_good(now) && !is_disabled(caller.disablement.as_ref(), now);
        is_good.then_some(caller)
    }

    /// A caller as it stands now, however long ago it came; `None` if it would not be let in any more.
    #[must_use]
    pub fn still<'a>(&'a self, bearer: &'a Bearer, now: Timestamp) -> Option<&'a Arc<Caller>> {
        match &bearer.token {
            Some(token) => self.owner(token, now),
            None => Some(&bearer.caller),
        }
    }

    /// The account of a lease. Where it is gone, its key may have moved to another before: what is said of the key still holds there.
    #[must_use]
    pub fn account_of(&self, lease: &LeaseClaims) -> Option<&Arc<AccountEntry>> {
        self.account_for(lease.account_uid, lease.version_uid)
    }

    /// The same, by uids.
    #[must_use]
    pub fn account_for(&self, account_uid: Uuid, version_uid: Uuid) -> Option<&Arc<AccountEntry>> {
        let elsewhere = || {
            let version = self.versions.get(&version_uid)?;
            self.accounts.get(&version.key.account_uid)
        };
        self.accounts.get(&account_uid).or_else(elsewhere)
    }

    /// A pool that this caller may lease from.
    ///
    /// # Errors
    /// Pools that do not exist look like those one may not use.
    pub fn pool_for(&self, caller: &Caller, id: &Id) -> Result<&Arc<PoolEntry>, LeaseRefusal> {
        if !caller.may_lease(id) {
            return Err(LeaseRefusal::PoolDenied);
        }
        self.pools.get(id).ok_or_else(|| {
            if self.distrusted_pools.contains(id) {
                LeaseRefusal::PoolDistrusted
            } else {
                LeaseRefusal::PoolDenied
            }
        })
    }
}

/// An account, with what lives of it.
#[derive(Debug)]
pub struct AccountEntry {
    /// As stored.
    pub account: Account,
    /// Its limits.
    pub limits: Vec<Arc<Limit>>,
    /// It has another one that this release cannot read, so that nothing may be leased from it.
    pub has_unread_limit: bool,
    /// Permits, cooldowns, and who waits.
    pub live: Arc<AccountLive>,
    /// Others that go to the same place.
    pub provider: Arc<ProviderLive>,
}

impl AccountEntry {
    /// Uses of a lease are reported, or not given after all: what is left of its budgets hears of it. What was not sent is left again, unless
    /// that is in doubt.
    pub fn answered(&self, lease: &LeaseClaims, parts: &[Part], is_in_doubt: bool, now: Timestamp) {
        let drawn = |dimension| self.drawn(lease, dimension);
        let lent = Lent {
            given: lease.given,
            within: lease.report_within,
        };
        self.live
            .answered(&lease.model, lent, (parts, is_in_doubt), drawn, now);
    }

    /// How much each use of a lease was estimated to need of what a limit counts.
    #[must_use]
    pub fn drawn(&self, lease: &LeaseClaims, dimension: Dimension) -> Option<u64> {
        let is_of = |uid| {
            let mut limits = self.limits.iter();
            limits.any(|limit| limit.uid == uid && limit.dimension == dimension)
        };
        let draws = lease.draws.iter().filter(|(uid, _)| is_of(*uid));
        draws.map(|(_, draw)| draw.units).max()
    }
}

/// A version, with what lives of it.
#[derive(Debug)]
pub struct VersionEntry {
    /// As stored.
    pub version: Arc<KeyVersion>,
    /// Its key.
    pub key: Arc<Key>,
    /// Its secret, opened and ready to send; `None` if it is not believed, or if it is not the current version.
    pub credential: Option<Credential>,
    /// The master key that its secret needs and this replica lacks.
    pub missing_key: Option<Fingerprint>,
    /// Life signs and use.
    pub live: Arc<VersionLive>,
}

#[cfg(test)]
mod tests;
