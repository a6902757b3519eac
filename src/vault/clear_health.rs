//! `ClearHealth`: forgets what is held against a version, a key, an account, or a provider.

use super::guard::found;
use super::{Done, Result, Verb, Work, get_key};
use crate::domain::key::Stage;
use crate::domain::name::{AccountName, KeyName, VersionName};
use crate::store::{
    accounts, canaries, cooldowns, deletions, incidents, key_versions, version_cooldowns,
};

/// What is to be forgotten.
#[derive(Debug, Clone)]
pub enum ClearHealth {
    /// What an account cools down from: all of it, or one model.
    Account(AccountName, Option<String>),
    /// What is held against all versions of a key.
    Key(KeyName),
    /// What is held against one version.
    Version(VersionName),
    /// What is held against providers, by a profile or a host: open breakers, and ways that are suspected.
    Provider(String),
}

impl Verb for ClearHealth {
    type Answer = i64;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<i64>> {
        let resource = self.resource();
        let (answer, summary) = match self {
            Self::Account(name, model) => clear_account(work, &name, model.as_deref()).await?,
            Self::Key(name) => clear_versions(work, &name, None).await?,
            Self::Version(name) => clear_version(work, &name).await?,
            Self::Provider(name) => clear_provider(work, &name).await?,
        };
        Ok(Done {
            answer,
            resource,
            summary,
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<i64> {
        Ok(0)
    }
}

impl ClearHealth {
    fn resource(&self) -> String {
        match self {
            Self::Account(name, _) => name.to_string(),
            Self::Key(name) => name.to_string(),
            Self::Version(name) => name.to_string(),
            Self::Provider(name) => format!("providers/{name}"),
        }
    }
}

async fn clear_account(
    work: &mut Work<'_>,
    name: &AccountName,
    model: Option<&str>,
) -> Result<(i64, String)> {
    let account = found(accounts::find(work.conn, &name.0).await?, name)?.resource;
    let uid = account.meta.uid;
    let cleared = cooldowns::clear(work.conn, uid, model).await?;
    // Replicas then read anew what the account cools down from.
    deletions::insert(work.conn, work.rev, "cooldowns", uid).await?;
    let cleared = i64::try_from(cleared).unwrap_or(i64::MAX);
    let of = model.map_or(String::new(), |model| format!(" of model {model}"));
    Ok((cleared, format!("{cleared} cooldowns{of} cleared")))
}

async fn clear_provider(work: &mut Work<'_>, name: &str) -> Result<(i64, String)> {
    let cleared = incidents::clear(work.conn, name, work.rev).await?;
    // Nobody waits for a trial of theirs any more: should they fail again, the next one may go out.
    canaries::settle_providers(work.conn, name).await?;
    let cleared = i64::try_from(cleared).unwrap_or(i64::MAX);
    Ok((cleared, format!("{cleared} incidents cleared")))
}

async fn clear_version(work: &mut Work<'_>, name: &VersionName) -> Result<(i64, String)> {
    let key = get_key::stored(work.conn, &name.key).await?;
    let version = key_versions::find(work.conn, key.meta.uid, name.number).await?;
    let version = found(version, name)?;
    if version.stage == Stage::Revoked {
        return Ok((0, "nothing to clear, it is revoked".to_owned()));
    }
    clear_versions(work, &name.key, Some(name.number)).await
}

/// Every version is written, also one that is active: replicas forget its failures in a row then.
async fn clear_versions(
    work: &mut Work<'_>,
    name: &KeyName,
    number: Option<u32>,
) -> Result<(i64, String)> {
    let key = get_key::stored(work.conn, name).await?;
    let (uid, stamp) = (key.meta.uid, (work.rev, work.now));
    canaries::settle_versions(work.conn, uid, number).await?;
    version_cooldowns::clear(work.conn, uid, number, work.rev).await?;
    let word = (work.caller.name.as_str(), work.reason);
    let cleared = key_versions::clear_health(work.conn, uid, number, word, stamp).await?;
    Ok((cleared, format!("{cleared} versions cleared")))
}
