//! `CreateKey`.

use std::time::Duration;

use uuid::Uuid;

use super::error::Refusal;
use super::key_view::{KeyView, view};
use super::rotating::come_back;
use super::secret_value::SecretValue;
use super::{Done, Result, Verb, Work, get_account, get_key, sealing};
use crate::domain::account::Account;
use crate::domain::health::Health;
use crate::domain::key::{Key, KeyVersion, Meta, Stage};
use crate::domain::labels::Labels;
use crate::domain::models::ModelRules;
use crate::domain::name::{AccountName, KeyName};
use crate::store::{self, key_versions, keys};

/// A key to create.
#[derive(Debug)]
pub struct CreateKey {
    /// Its name.
    pub name: KeyName,
    /// Free labels.
    pub labels: Labels,
    /// Which models it serves.
    pub models: ModelRules,
    /// Its own rotation interval.
    pub rotation_interval: Option<Duration>,
    /// Its first version.
    pub secret: Option<SecretValue>,
}

impl Verb for CreateKey {
    type Answer = KeyView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<KeyView>> {
        let account_name = AccountName(self.name.account.clone());
        let account = get_account::to_change(work, &account_name).await?;
        if let Some(secret) = &self.secret {
            sealing::refuse_known(work, None, &[("secret".to_owned(), secret)]).await?;
        }
        let name = self.name.clone();
        let with_secret = self.secret.is_some();
        let key = self.insert(work, &account).await?;
        Ok(Done {
            answer: view(work.conn, key, &name, work.now).await?,
            resource: name.to_string(),
            summary: if with_secret {
                "created, version 1 is current".to_owned()
            } else {
                "created without a version".to_owned()
            },
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<KeyView> {
        get_key::reread(work, &self.name).await
    }
}

impl CreateKey {
    /// Writes the key and, where there is a secret, its first version.
    pub(super) async fn insert(self, work: &mut Work<'_>, account: &Account) -> Result<Key> {
        let key = Key {
            meta: Meta::created(Uuid::now_v7(), work.rev, self.labels, work.now),
            account_uid: account.meta.uid,
            id: self.name.key.clone(),
            models: self.models,
            rotation_interval: self.rotation_interval,
            disablement: None,
        };
        let mac = work.keys.mac.of_row(&key);
        match keys::insert(work.conn, &key, &mac).await {
            Ok(()) => {}
            Err(store::Error::Unique { .. }) => {
                let resource = self.name.to_string();
                return Err(Refusal::Exists { resource }.into());
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(secret) = &self.secret {
            let version_uid = insert_current(work, account, &key, 1, secret).await?;
            come_back::spare(work, version_uid, &secret.fingerprint(work.keys)).await?;
        }
        Ok(key)
    }
}

/// Writes a version that is current at once, sealed for the hosts of its account. Gives its uid.
async fn insert_current(
    work: &mut Work<'_>,
    account: &Account,
    key: &Key,
    number: u32,
    secret: &SecretValue,
) -> Result<Uuid> {
    let version = KeyVersion {
        meta: Meta::created(Uuid::now_v7(), work.rev, Labels::default(), work.now),
        key_uid: key.meta.uid,
        number,
        stage: Stage::Current,
        health: Health::Active,
        recover_time: None,
        promote_time: Some(work.now),
        revoke_time: None,
        drain_until: None,
        sealed_hosts: account.endpoint.allowed_hosts.clone(),
    };
    key_versions::insert(work.conn, &version).await?;
    sealing::put(work, &version, secret).await?;
    Ok(version.meta.uid)
}
