//! What this replica knows of the configuration, row by row, and how it becomes a snapshot. Rows come verified and opened.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::account::AccountLive;
use super::accusing::Refuted;
use super::distrusted::Distrusted;
use super::pool::PoolLive;
use super::provider::{Place, ProviderLive};
use super::snapshot::{AccountEntry, Snapshot, VersionEntry};
use super::version::VersionLive;
use crate::domain::account::Account;
use crate::domain::caller::{Caller, Token};
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::key::{Key, KeyVersion};
use crate::domain::limit::{Limit, Owner};
use crate::domain::pool::Pool;
use crate::domain::prices::OperatorPrices;
use crate::domain::time::Timestamp;

mod incidents;
mod known_version;
mod pool_entries;

pub use known_version::KnownVersion;

/// What this replica knows of the configuration.
#[derive(Debug, Default)]
pub struct Registry {
    /// Everything up to this revision.
    pub rev: i64,
    /// In which epoch of the database that revision was read.
    pub epoch: u64,
    /// Accounts that verified, by uid.
    pub accounts: HashMap<Uuid, Account>,
    /// Limits in force, by uid.
    pub limits: HashMap<Uuid, Arc<Limit>>,
    /// Keys that verified, by uid.
    pub keys: HashMap<Uuid, Arc<Key>>,
    /// Versions that are not revoked, by uid.
    pub versions: HashMap<Uuid, KnownVersion>,
    /// Pools that verified, by uid, with those of their members that did.
    pub pools: HashMap<Uuid, Pool>,
    /// Callers that verified, by uid, with those of their grants that did.
    pub callers: HashMap<Uuid, Arc<Caller>>,
    /// Tokens that verified, by uid.
    pub tokens: HashMap<Uuid, Arc<Token>>,
    /// Prices that operators have set.
    pub prices: Arc<OperatorPrices>,
    /// What befell providers, by kind and subject.
    pub incidents: HashMap<(IncidentKind, String), Incident>,
    /// Rows that did not verify.
    pub distrusted: Distrusted,
    /// Words against versions that turned out to be wrong, until they are taken out.
    pub refuted: Vec<Refuted>,
    /// Callers whose words of budgets turned out to be wrong, until they are taken out.
    pub refuted_budgets: Vec<Uuid>,
    lives: Lives,
}

/// What lives of each row, kept as long as the row is known.
#[derive(Debug, Default)]
struct Lives {
    accounts: HashMap<Uuid, Arc<AccountLive>>,
    versions: HashMap<Uuid, Arc<VersionLive>>,
    pools: HashMap<Uuid, Arc<PoolLive>>,
    providers: HashMap<Place, Arc<ProviderLive>>,
}

impl Registry {
    /// Forgets every row, but not what lives of them: leases of those that come back are still out.
    pub fn clear(&mut self) {
        *self = Self {
            lives: std::mem::take(&mut self.lives),
            ..Self::default()
        };
    }

    /// What lives of an account.
    pub fn account_live(&mut self, uid: Uuid) -> Arc<AccountLive> {
        let lives = self.lives.accounts.entry(uid);
        Arc::clone(lives.or_insert_with(|| Arc::new(AccountLive::new(uid))))
    }

    /// What lives of a version.
    pub fn version_live(&mut self, version: &KeyVersion) -> Arc<VersionLive> {
        let uid = version.meta.uid;
        let lives = self.lives.versions.entry(uid);
        let new = || VersionLive::new(uid, &version.health, version.recover_time);
        Arc::clone(lives.or_insert_with(|| Arc::new(new())))
    }

    /// What lives of a version that is known.
    #[must_use]
    pub fn known_version_live(&self, uid: Uuid) -> Option<&Arc<VersionLive>> {
        self.lives.versions.get(&uid)
    }

    /// A version is stored like this, as read then.
    pub fn version_told(&mut self, version: &KeyVersion, now: Timestamp) {
        let live = self.version_live(version);
        let refuted = live.told_at(&version.health, version.recover_time, now);
        self.refuted.extend(refuted);
    }

    /// Keys are gone, and their versions with them: one walk over all versions, however many keys went.
    pub fn forget_keys(&mut self, gone: &HashSet<Uuid>) {
        if gone.is_empty() {
            return;
        }
        gone.iter().for_each(|uid| drop(self.keys.remove(uid)));
        self.versions
            .retain(|_, known| !gone.contains(&known.version.key_uid));
    }

    /// The snapshot of all this. What lives of rows that are gone is forgotten; leases that are out still hold it.
    pub fn snapshot(&mut self) -> Snapshot {
        self.forget_lives();
        let accounts = self.account_entries();
        let versions = self.version_entries();
        let pools = self.pool_entries(&accounts, &versions);
        let by_id = pools
            .iter()
            .map(|pool| (pool.pool.id.clone(), Arc::clone(pool)));
        let by_uid = pools
            .iter()
            .map(|pool| (pool.pool.meta.uid, Arc::clone(pool)));
        let tokens = self.tokens.values();
        let limits = accounts.values().flat_map(|entry| {
            let limits = entry.limits.iter().filter(|limit| limit.offline.is_some());
            limits.map(|limit| (Arc::clone(&entry.live), Arc::clone(limit)))
        });
        Snapshot {
            offline: limits.collect(),
            providers: self.lives.providers.values().cloned().collect(),
            rev: self.rev,
            epoch: self.epoch,
            pools: by_id.collect(),
            pools_by_uid: by_uid.collect(),
            callers: self.callers.clone(),
            tokens: tokens.map(|t| (t.id.clone(), Arc::clone(t))).collect(),
            prices: Arc::clone(&self.prices),
            distrusted_rows: self.distrusted_rows().to_vec(),
            distrusted_pools: self.distrusted.pools.values().flatten().cloned().collect(),
            accounts,
            versions,
        }
    }

    fn forget_lives(&mut self) {
        self.lives
            .accounts
            .retain(|uid, _| self.accounts.contains_key(uid));
        self.lives
            .versions
            .retain(|uid, _| self.versions.contains_key(uid));
        self.lives
            .pools
            .retain(|uid, _| self.pools.contains_key(uid));
        self.lives
            .providers
            .retain(|_, live| Arc::strong_count(live) > 1);
    }

    fn account_entries(&mut self) -> HashMap<Uuid, Arc<AccountEntry>> {
        let mut limits: HashMap<Uuid, Vec<Arc<Limit>>> = HashMap::new();
        for limit in self.limits.values() {
            if let Owner::Account(uid) = limit.owner {
                limits.entry(uid).or_default().push(Arc::clone(limit));
            }
        }
        let unread: HashSet<Uuid> = self.distrusted.limits.values().copied().collect();
        let mut entries = HashMap::with_capacity(self.accounts.len());
        let accounts: Vec<Account> = self.accounts.values().cloned().collect();
        for account in accounts {
            let uid = account.meta.uid;
            let live = self.account_live(uid);
            let mut limits = limits.remove(&uid).unwrap_or_default();
            limits.sort_by_key(|limit| limit.uid);
            live.reconfigure(&limits);
            let provider = self.provider_live(Place {
                profile: account.profile.as_str(),
                host: account.endpoint.host(),
            });
            let entry = AccountEntry {
                account,
                limits,
                has_unread_limit: unread.contains(&uid),
                live,
                provider,
            };
            entries.insert(uid, Arc::new(entry));
        }
        entries
    }

    fn version_entries(&mut self) -> HashMap<Uuid, Arc<VersionEntry>> {
        let known: Vec<KnownVersion> = self.versions.values().cloned().collect();
        let mut entries = HashMap::with_capacity(known.len());
        for known in known {
            let KnownVersion {
                version,
                credential,
                missing_key,
                ..
            } = known;
            let Some(key) = self.keys.get(&version.key_uid).map(Arc::clone) else {
                continue;
            };
            let live = self.version_live(&version);
            let uid = version.meta.uid;
            let entry = VersionEntry {
                version,
                key,
                credential,
                missing_key,
                live,
            };
            entries.insert(uid, Arc::new(entry));
        }
        entries
    }
}
