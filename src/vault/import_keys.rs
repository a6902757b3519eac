//! `ImportKeys`: accounts with their keys and limits, and pools of them, in one change. All or nothing.

use super::account_view::AccountView;
use super::create_limit::CreateLimit;
use super::create_pool::CreatePool;
use super::error::Refusal;
use super::guard::verified;
use super::key_view::KeyView;
use super::pool_view::{self, PoolView};
use super::secret_value::SecretValue;
use super::{
    CreateAccount, CreateKey, Done, Result, Verb, Work, get_account, get_key, get_limit, get_pool,
    sealing,
};
use crate::domain::account::Account;
use crate::domain::limit::{Limit, Owner};
use crate::domain::name::{AccountName, KeyName, LimitName, PoolName};
use crate::store::accounts;

/// What is to be stored.
#[derive(Debug)]
pub struct ImportKeys {
    /// Created first, or used as they are.
    pub accounts: Vec<ImportAccount>,
    /// Created last.
    pub pools: Vec<CreatePool>,
}

/// An account with what is to be created in it.
#[derive(Debug)]
pub struct ImportAccount {
    /// The account.
    pub account: CreateAccount,
    /// Its keys; each has a secret.
    pub keys: Vec<CreateKey>,
    /// Its limits.
    pub limits: Vec<CreateLimit>,
}

/// What was stored.
#[derive(Debug, Default)]
pub struct Imported {
    /// The accounts, created or not.
    pub accounts: Vec<AccountView>,
    /// The keys.
    pub keys: Vec<KeyView>,
    /// The limits.
    pub limits: Vec<(LimitName, Limit)>,
    /// The pools.
    pub pools: Vec<PoolView>,
}

/// The names of what an import is about, in order.
struct Names {
    accounts: Vec<AccountName>,
    keys: Vec<KeyName>,
    limits: Vec<LimitName>,
    pools: Vec<PoolName>,
}

impl Verb for ImportKeys {
    type Answer = Imported;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Imported>> {
        sealing::refuse_known(work, None, &self.secrets()).await?;
        let names = self.names();
        for import in self.accounts {
            import.insert(work).await?;
        }
        for pool in self.pools {
            let created = pool.insert(work).await?;
            let members = created.members.len();
            let summary = format!("created by an import, members: {members}");
            work.note(PoolName(created.id).to_string(), summary);
        }
        Ok(Done {
            answer: names.read(work).await?,
            resource: names.resource(),
            summary: names.summary(),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Imported> {
        self.names().read(work).await
    }
}

impl ImportKeys {
    /// Every secret, and the path of its field.
    fn secrets(&self) -> Vec<(String, &SecretValue)> {
        let mut secrets = Vec::new();
        for (i, import) in self.accounts.iter().enumerate() {
            for (j, key) in import.keys.iter().enumerate() {
                let path = format!("accounts[{i}].keys[{j}].secret");
                secrets.extend(key.secret.as_ref().map(|secret| (path, secret)));
            }
        }
        secrets
    }

    fn names(&self) -> Names {
        let accounts = || self.accounts.iter();
        let keys = accounts().flat_map(|import| &import.keys);
        let limits = accounts().flat_map(|import| &import.limits);
        Names {
            accounts: accounts()
                .map(|import| AccountName(import.account.id.clone()))
                .collect(),
            keys: keys.map(|key| key.name.clone()).collect(),
            limits: limits.map(|limit| limit.name.clone()).collect(),
            pools: self
                .pools
                .iter()
                .map(|pool| PoolName(pool.id.clone()))
                .collect(),
        }
    }
}

impl ImportAccount {
    async fn insert(self, work: &mut Work<'_>) -> Result<()> {
        let (keys, limits) = (self.keys.len(), self.limits.len());
        let (account, how) = match use_as_is(work, &self.account).await? {
            Some(account) => (account, "used"),
            None => (self.account.insert(work).await?, "created"),
        };
        for key in self.keys {
            key.insert(work, &account).await?;
        }
        for limit in self.limits {
            let owner = Owner::Account(account.meta.uid);
            limit.insert(work, owner).await?;
        }
        let summary = format!("{how} by an import, new keys: {keys}, new limits: {limits}");
        work.note(AccountName(account.id).to_string(), summary);
        Ok(())
    }
}

/// The account that is there already, if it is spoken to and placed as the import says.
async fn use_as_is(work: &mut Work<'_>, wanted: &CreateAccount) -> Result<Option<Account>> {
    let Some(stored) = accounts::find(work.conn, &wanted.id).await? else {
        return Ok(None);
    };
    let name = AccountName(wanted.id.clone());
    let account = verified(work.keys, stored, &name)?;
    let same =
        account.profile == wanted.profile && account.endpoint.base_url == wanted.endpoint.base_url;
    if same {
        return Ok(Some(account));
    }
    let resource = name.to_string();
    let message = format!(
        "{resource} exists already with profile {} at {}, import into an account of another id",
        account.profile.as_str(),
        account.endpoint.base_url
    );
    Err(Refusal::State { resource, message }.into())
}

impl Names {
    /// All of it, as it stands.
    async fn read(&self, work: &mut Work<'_>) -> Result<Imported> {
        let mut imported = Imported::default();
        for name in &self.accounts {
            let account = get_account::reread(work, name).await?;
            imported.accounts.push(account);
        }
        for name in &self.keys {
            imported.keys.push(get_key::reread(work, name).await?);
        }
        for name in &self.limits {
            let limit = get_limit::reread(work, name).await?;
            imported.limits.push((name.clone(), limit));
        }
        for name in &self.pools {
            let pool = get_pool::read(work.conn, work.keys, name).await?;
            let view = pool_view::view(work.conn, pool, work.now).await?;
            imported.pools.push(view);
        }
        Ok(imported)
    }

    fn resource(&self) -> String {
        match (&self.accounts[..], &self.pools[..]) {
            ([account], _) => account.to_string(),
            ([], [pool]) => pool.to_string(),
            ([], _) => "pools/-".to_owned(),
            (_, _) => "accounts/-".to_owned(),
        }
    }

    fn summary(&self) -> String {
        format!(
            "imported: {} accounts, {} keys, {} limits, {} pools",
            self.accounts.len(),
            self.keys.len(),
            self.limits.len(),
            self.pools.len()
        )
    }
}
