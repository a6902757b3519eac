//! `GetStatus`: a pool at a glance, from the database and what this replica alone knows.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

use super::get_pool;
use super::key_view::{KeyView, view_all};
use super::keys::VaultKeys;
use super::{Result, Vault, limit_status, trust};
use crate::domain::account::{Account, Cooldown};
use crate::domain::cooling::UNNAMED;
use crate::domain::disablement::in_force;
use crate::domain::incident::{IncidentKind, Ongoing};
use crate::domain::key::{Key, KeyVersion};
use crate::domain::name::PoolName;
use crate::domain::pool::{Member, Pool, Target};
use crate::domain::status::{KeyStatus, KeyUsage, PoolStatus, VersionStatus};
use crate::domain::time::Timestamp;
use crate::live::Live;
use crate::live::incidents::ongoing;
use crate::live::line;
use crate::live::snapshot::Snapshot;
use crate::store::connection::acquire;
use crate::store::{Stored, cluster, cooldowns, pool_status, replicas};

mod models;

/// What the keys of a pool are judged by.
struct Facts<'a> {
    /// By the uid of the account or key.
    members: HashMap<Uuid, &'a Member>,
    now: Timestamp,
    snapshot: Arc<Snapshot>,
    accounts: HashMap<Uuid, Account>,
    cooldowns: HashMap<Uuid, Cooldown>,
    /// Those of single models.
    model_cooldowns: Vec<Cooldown>,
    versions: HashMap<Uuid, Vec<KeyVersion>>,
}

impl Vault {
    /// Reads the status of a pool.
    ///
    /// # Errors
    /// The pool does not exist.
    pub async fn get_status(&self, name: &PoolName) -> Result<PoolStatus> {
        let mut conn = acquire(&self.pool).await?;
        let conn = &mut *conn;
        let now = cluster::now(conn).await?;
        let pool = get_pool::read(conn, &self.keys, name).await?;
        let keys = read_keys(conn, &pool).await?;
        let accounts = read_accounts(conn, &self.keys, &pool, &keys).await?;
        let keys = trust::keys_of(&self.keys, &accounts, keys);
        let limits = limit_status::read(conn, &accounts, &self.live).await?;
        let versions = trust::versions_of(conn, &self.keys, &accounts, &keys).await?;
        let known = (accounts, versions);
        let facts = read_facts(conn, &pool, known, now, self.live.snapshot()).await?;
        let views = view_all(conn, keys, now).await?;
        let cooling_models = facts.cooling_models(&views);
        let mut keys: Vec<_> = views
            .into_iter()
            .filter_map(|view| facts.key_status(view))
            .collect();
        keys.sort_by(|a, b| (a.tier, &a.name).cmp(&(b.tier, &b.name)));
        Ok(PoolStatus {
            pool: name.clone(),
            time: now,
            replica: self.live.boot_id,
            replicas_live: replicas::count_live(conn).await?,
            keys,
            limits,
            waiting: facts.waiting(pool.meta.uid),
            disablement: in_force(pool.disablement.clone(), now),
            distrust: pool.meta.distrust.clone(),
            incidents: facts.incidents(&self.live, pool.meta.uid),
            cooling_models,
        })
    }
}

impl Facts<'_> {
    /// None for a key that is no member, or whose account is gone.
    fn key_status(&self, view: KeyView) -> Option<KeyStatus> {
        let (uid, account_uid) = (view.key.meta.uid, view.key.account_uid);
        let member = self.members.get(&uid);
        let member = member.or_else(|| self.members.get(&account_uid))?;
        let account = self.accounts.get(&account_uid)?;
        let own = view.key.disablement;
        let versions = self.versions.get(&uid).into_iter().flatten();
        Some(KeyStatus {
            name: view.name,
            tier: member.tier,
            weight: member.weight,
            versions: versions
                .map(|version| self.version_status(version))
                .collect(),
            disablement: own.or_else(|| in_force(account.disablement.clone(), self.now)),
            account_cooldown: self.cooldowns.get(&account_uid).cloned(),
            next_rotation: view.next_rotation,
            rotation_overdue: view.rotation_overdue,
            breaker: self.breaker(account_uid),
            usage: self.usage(uid),
            distrust: view.key.meta.distrust,
        })
    }

    fn version_status(&self, version: &KeyVersion) -> VersionStatus {
        let live = self.snapshot.versions.get(&version.meta.uid);
        VersionStatus {
            number: version.number,
            stage: version.stage,
            health: version.health.at(self.now),
            consecutive_failures: live.map_or(0, |entry| entry.live.streak()),
            distrust: version.meta.distrust.clone(),
        }
    }

    /// What this replica did with a key, by all its versions that are not revoked.
    fn usage(&self, key: Uuid) -> KeyUsage {
        let versions = self.versions.get(&key).into_iter().flatten();
        let entries = versions.filter_map(|v| self.snapshot.versions.get(&v.meta.uid));
        entries.fold(KeyUsage::default(), |usage, entry| KeyUsage {
            leases: usage.leases + entry.live.leases(),
            last_use: usage.last_use.max(entry.live.last_use()),
        })
    }

    /// Whether its provider fails, as this replica knows it.
    fn breaker(&self, account: Uuid) -> Option<Ongoing> {
        let entry = self.snapshot.accounts.get(&account)?;
        ongoing(&entry.provider, IncidentKind::Breaker, self.now)
    }

    fn incidents(&self, live: &Live, pool: Uuid) -> Vec<Ongoing> {
        let entry = self.snapshot.pools_by_uid.get(&pool);
        entry.map_or_else(Vec::new, |entry| {
            live.incidents_of(&self.snapshot, entry, self.now)
        })
    }

    fn waiting(&self, pool: Uuid) -> u32 {
        let entry = self.snapshot.pools_by_uid.get(&pool);
        let waiting = entry.map_or(0, |entry| line::waiting(&entry.live));
        u32::try_from(waiting).unwrap_or(u32::MAX)
    }
}

async fn read_keys(conn: &mut PgConnection, pool: &Pool) -> Result<Vec<Stored<Key>>> {
    let (mut whole, mut single) = (Vec::new(), Vec::new());
    for member in &pool.members {
        match member.target {
            Target::Account(uid) => whole.push(uid),
            Target::Key(uid) => single.push(uid),
        }
    }
    Ok(pool_status::keys(conn, &whole, &single).await?)
}

/// The accounts of these keys, and those that are members without having any.
async fn read_accounts(
    conn: &mut PgConnection,
    vault_keys: &VaultKeys,
    pool: &Pool,
    keys: &[Stored<Key>],
) -> Result<HashMap<Uuid, Account>> {
    let members = pool
        .members
        .iter()
        .filter_map(|member| match member.target {
            Target::Account(uid) => Some(uid),
            Target::Key(_) => None,
        });
    let owners = keys.iter().map(|key| key.resource.account_uid);
    trust::accounts_of(conn, vault_keys, owners.chain(members)).await
}

async fn read_facts<'a>(
    conn: &mut PgConnection,
    pool: &'a Pool,
    (accounts, versions): (HashMap<Uuid, Account>, HashMap<Uuid, Vec<KeyVersion>>),
    now: Timestamp,
    snapshot: Arc<Snapshot>,
) -> Result<Facts<'a>> {
    let account_uids: Vec<Uuid> = accounts.keys().copied().collect();
    let cooldowns = cooldowns::of_accounts(conn, &account_uids, now).await?;
    // What leases that name no model cool down by, unless the whole account does.
    let whole = |c: &Cooldown| c.model.is_empty();
    let (mut shown, model_cooldowns): (Vec<_>, Vec<_>) = cooldowns
        .into_iter()
        .partition(|c| whole(c) || c.model == UNNAMED);
    shown.sort_by_key(whole);
    let members = pool.members.iter();
    Ok(Facts {
        members: members
            .map(|member| (member.target.uid(), member))
            .collect(),
        now,
        snapshot,
        accounts,
        cooldowns: shown.into_iter().map(|c| (c.account_uid, c)).collect(),
        model_cooldowns,
        versions,
    })
}
