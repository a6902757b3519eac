//! A pool of a snapshot: its keys in order, and what it lacks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::VersionEntry;
use super::tier::Tier;
use crate::domain::id::Id;
use crate::domain::key::Stage;
use crate::domain::pool::Pool;
use crate::domain::prices::OperatorPrices;
use crate::domain::refusal::{KeyRefusal, Tally};
use crate::live::pool::PoolLive;

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
    /// Accounts that have a key here, believed or not.
    accounts: HashSet<Id>,
    /// Accounts and keys that are members.
    members: HashSet<Uuid>,
    /// Keys that have a version to lease.
    leased: usize,
    /// The same of each account.
    leased_of: HashMap<Uuid, usize>,
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
    /// A pool with these keys, and without those that are not believed.
    #[must_use]
    pub fn new(
        pool: Pool,
        tiers: Vec<Tier>,
        live: Arc<PoolLive>,
        prices: Arc<OperatorPrices>,
        distrusted: Vec<Lacking>,
    ) -> Self {
        let runs = tiers.iter().flat_map(|tier| &tier.runs);
        let mut leased_of = HashMap::new();
        for run in runs.clone() {
            *leased_of.entry(run.account.account.meta.uid).or_default() += run.leased;
        }
        let served = runs.map(|run| &run.account.account.id);
        let lacking = distrusted.iter().filter_map(|lack| lack.account.as_ref());
        Self {
            accounts: served.chain(lacking).cloned().collect(),
            leased: leased_of.values().sum(),
            leased_of,
            members: pool.members.iter().map(|m| m.target.uid()).collect(),
            pool,
            tiers,
            live,
            prices,
            distrusted,
        }
    }

    /// Whether any key of the pool is of this account.
    #[must_use]
    pub fn has_account(&self, account: &Id) -> bool {
        self.accounts.contains(account)
    }

    /// Keys that have a version to lease.
    #[must_use]
    pub const fn leased(&self) -> usize {
        self.leased
    }

    /// The same of one account.
    #[must_use]
    pub fn leased_of(&self, account: Uuid) -> usize {
        self.leased_of.get(&account).copied().unwrap_or_default()
    }

    /// Whether a version is one of those that it leases now.
    #[must_use]
    pub fn serves(&self, version: &VersionEntry) -> bool {
        let key = &version.key;
        let is_member = |uid: &Uuid| self.members.contains(uid);
        version.version.stage == Stage::Current
            && (is_member(&key.account_uid) || is_member(&key.meta.uid))
    }

    /// Counts what is left out since it is not believed, of one account if it is named: no key of the tiers stands for it.
    pub fn count_distrusted(&self, account: Option<&Id>, tally: &mut Tally) {
        let of_account =
            |lacking: &&Lacking| account.is_none() || account == lacking.account.as_ref();
        for _ in self.distrusted.iter().filter(of_account) {
            tally.add(KeyRefusal::Tampered, None);
        }
    }
}
