//! The configuration as this replica last read it: immutable, swapped whole, with the opened secrets and the ways to what lives.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use uuid::Uuid;

use super::account::AccountLive;
use super::choose::Now;
use super::credential::Credential;
use super::pool::PoolLive;
use super::provider::ProviderLive;
use super::version::VersionLive;
use crate::crypto::Fingerprint;
use crate::domain::account::Account;
use crate::domain::caller::{Bearer, Caller, Token};
use crate::domain::claims::Avoided;
use crate::domain::disablement::is_disabled;
use crate::domain::id::Id;
use crate::domain::key::{Key, KeyVersion};
use crate::domain::limit::Limit;
use crate::domain::pool::Pool;
use crate::domain::prices::OperatorPrices;
use crate::domain::refusal::{KeyRefusal, LeaseRefusal, Tally};
use crate::domain::time::Timestamp;
use crate::domain::vitals::Admission;

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

/// A pool, with its keys in order.
#[derive(Debug)]
pub struct PoolEntry {
    /// As stored.
    pub pool: Pool,
    /// The first tier first.
    pub tiers: Vec<Tier>,
    /// What lives of it.
    pub live: Arc<PoolLive>,
    /// Prices that operators have set: what limits on cost count where nobody says what a use costs.
    pub prices: Arc<OperatorPrices>,
    /// Each key or member that is left out since it is not believed.
    pub distrusted: Vec<Lacking>,
}

/// A key, or a member, that a pool lacks since its row is not believed: what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lacking {
    /// Its account.
    pub account: Option<Id>,
    /// The key.
    pub key: Option<Id>,
}

impl PoolEntry {
    /// Whether any key of the pool is of this account.
    #[must_use]
    pub fn has_account(&self, account: &Id) -> bool {
        let mut candidates = self.tiers.iter().flat_map(|tier| &tier.candidates);
        candidates.any(|candidate| candidate.account.account.id == *account)
            || self.lacks_of(Some(account)).next().is_some()
    }

    /// Whether a version is one of those that it leases now.
    #[must_use]
    pub fn serves(&self, version_uid: Uuid) -> bool {
        let mut candidates = self.tiers.iter().flat_map(|tier| &tier.candidates);
        candidates.any(|candidate| {
            let version = candidate.version.as_ref();
            version.is_some_and(|version| version.version.meta.uid == version_uid)
        })
    }

    /// Counts what is left out since it is not believed, of one account if it is named: no key of the tiers stands for it.
    pub fn count_distrusted(&self, account: Option<&Id>, tally: &mut Tally) {
        for _ in self.lacks_of(account) {
            tally.add(KeyRefusal::Tampered, None);
        }
    }

    fn lacks_of(&self, account: Option<&Id>) -> impl Iterator<Item = &Lacking> {
        let of_account =
            move |lacking: &&Lacking| account.is_none() || account == lacking.account.as_ref();
        self.distrusted.iter().filter(of_account)
    }
}

/// The keys of one tier.
#[derive(Debug)]
pub struct Tier {
    /// 1 is the first.
    pub number: u32,
    /// In order of account and key id.
    pub candidates: Vec<Candidate>,
    /// Running sums of the weights.
    pub cumulative: Vec<u64>,
    /// Counts its leases, to take turns.
    pub turns: Arc<AtomicU64>,
}

/// One key of a tier.
#[derive(Debug)]
pub struct Candidate {
    /// Its account.
    pub account: Arc<AccountEntry>,
    /// The key.
    pub key: Arc<Key>,
    /// Its current version, if it has one.
    pub version: Option<Arc<VersionEntry>>,
    /// Share of its tier.
    pub weight: u32,
}

impl Candidate {
    /// Whether a retry token says to avoid it.
    #[must_use]
    pub fn is_avoided(&self, avoided: &[Avoided]) -> bool {
        let version = self.version.as_ref().map(|v| v.version.meta.uid);
        avoided.iter().any(|avoided| match avoided {
            Avoided::Version(uid) => Some(*uid) == version,
            Avoided::Account(uid) => *uid == self.account.account.meta.uid,
        })
    }

    /// When it can serve, as far as is known: `now` if it can, none where waiting alone does not help. Permits are left aside. The model
    /// is as the provider names it.
    #[must_use]
    pub fn serves_at(&self, model: Option<&str>, now: Now) -> Option<Timestamp> {
        let version = self.version.as_ref().filter(|v| v.credential.is_some())?;
        let is_led_to = model.is_none_or(|model| self.key.models.leads_to(model));
        if !is_led_to || self.account.has_unread_limit {
            return None;
        }
        let mut at = now.database;
        for word in [&self.account.account.disablement, &self.key.disablement] {
            if is_disabled(word.as_ref(), now.database) {
                at = at.max(word.as_ref().and_then(|word| word.until)?);
            }
        }
        at = at.max(self.account.provider.opens(now.database).unwrap_or(at));
        let of_account = self.account.live.cooling(model, now.database);
        let of_model = model.and_then(|model| version.live.cooling(model, now.database));
        let causes = of_account.into_iter().chain(of_model);
        let at = causes.map(|cause| cause.until).fold(at, Timestamp::max);
        Some(match version.live.admission(now) {
            Admission::Normal | Admission::Due | Admission::Canary(_) => at,
            Admission::Cooling(until) | Admission::Dead(until) | Admission::Awaited(until) => {
                at.max(until)
            }
        })
    }
}
