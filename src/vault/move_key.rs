//! `MoveKey`.

use super::error::Refusal;
use super::guard::check_etag;
use super::key_view::{KeyView, view};
use super::rotations::under_way;
use super::{Done, Result, Verb, Work, get_account, get_key, sealing};
use crate::domain::account::Account;
use crate::domain::field::FieldError;
use crate::domain::key::Key;
use crate::domain::name::{AccountName, KeyName};
use crate::store::{self, key_versions, keys, pool_members, rotations, rotators};

/// A key to move to another account, with its versions: leases of it count there from then on.
#[derive(Debug, Clone)]
pub struct MoveKey {
    /// Which.
    pub name: KeyName,
    /// Where to.
    pub destination: AccountName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for MoveKey {
    type Answer = KeyView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<KeyView>> {
        let mut key = get_key::to_change(work, &self.name).await?;
        check_etag(&self.etag, &key.meta, &self.name)?;
        let source_name = AccountName(self.name.account.clone());
        let source = get_account::to_change(work, &source_name).await?;
        let account = get_account::to_change(work, &self.destination).await?;
        self.check(&source, &account)?;
        self.check_rotations(work, &key).await?;
        self.check_pools(work, &key, &account).await?;
        let name = KeyName {
            account: account.id.clone(),
            key: key.id.clone(),
        };
        key.account_uid = account.meta.uid;
        write(work, &mut key, &name).await?;
        let sealed = seal(work, &key, &account).await?;
        // What one rotator calls a secret means nothing to another, or something else.
        let forgotten = rotators::forget_references(work.conn, key.meta.uid).await?;
        let forgotten = match forgotten {
            0 => "",
            _ => ", what its rotator called its secrets is forgotten",
        };
        Ok(Done {
            resource: name.to_string(),
            summary: format!("moved from {}{sealed}{forgotten}", self.name),
            answer: view(work.conn, key, &name, work.now).await?,
        })
    }

    async fn replay(self, work: &mut Work<'_>, resource: &str) -> Result<KeyView> {
        get_key::reread(work, &KeyName::parse("name", resource)?).await
    }
}

impl MoveKey {
    /// A secret is good at one provider: rules, probes and the place of the credential are those of its account.
    fn check(&self, source: &Account, account: &Account) -> Result<()> {
        let message = if source.meta.uid == account.meta.uid {
            format!("is where {} is already, name another account", self.name)
        } else if source.profile != account.profile {
            format!(
                "is of the provider profile {}, {} of {}: name an account of {}, or store the secret there as a key of its own with CreateKey",
                account.profile.as_str(),
                AccountName(source.id.clone()),
                source.profile.as_str(),
                source.profile.as_str()
            )
        } else {
            return Ok(());
        };
        let error = FieldError::new("destination_account", message);
        Err(Refusal::Fields(vec![error]).into())
    }

    /// The rotator that makes a secret, or has an old one revoked, is that of the account it was asked for.
    async fn check_rotations(&self, work: &mut Work<'_>, key: &Key) -> Result<()> {
        if let Some(open) = rotations::open_of_key(work.conn, key.meta.uid).await? {
            return Err(under_way(&self.name, &open).into());
        }
        let owed = rotations::unrevoked(work.conn, key.meta.uid).await?;
        let previous = key_versions::previous(work.conn, key.meta.uid).await?;
        let resource = self.name.to_string();
        let message = match (owed.first(), previous.first()) {
            (Some(owed), _) => format!(
                "{resource}/rotations/{} has yet to have version {} revoked by the rotator of this account: wait until it has, or give the rotation up with CancelRotation first",
                owed.id,
                owed.number_to_revoke()
            ),
            (None, Some((_, number))) => format!(
                "{resource}/versions/{number} drains, and is then revoked by the rotator of this account: wait until it is, or revoke it at once with RetryRotation and revoke_previous_now"
            ),
            (None, None) => return Ok(()),
        };
        Err(Refusal::State { resource, message }.into())
    }

    /// As CreatePool and UpdatePool have it: a key is a member once.
    async fn check_pools(&self, work: &mut Work<'_>, key: &Key, account: &Account) -> Result<()> {
        let both = [key.meta.uid, account.meta.uid];
        let pools = pool_members::pools_naming_both(work.conn, both).await?;
        let Some(pool) = pools.first() else {
            return Ok(());
        };
        let resource = self.name.to_string();
        let message = format!(
            "pools/{pool} names {resource} and {}, which would cover it: remove one of them there first",
            self.destination
        );
        Err(Refusal::State { resource, message }.into())
    }
}

async fn write(work: &mut Work<'_>, key: &mut Key, name: &KeyName) -> Result<()> {
    key.meta.touch(work.rev, work.now);
    let mac = work.keys.mac.of_row(key);
    match keys::update(work.conn, key, &mac).await {
        Err(store::Error::Unique { .. }) => {
            let resource = name.to_string();
            Err(Refusal::Exists { resource }.into())
        }
        written => Ok(written?),
    }
}

/// Its secrets may be sent where those of its new account may be, and nowhere else.
async fn seal(work: &mut Work<'_>, key: &Key, account: &Account) -> Result<String> {
    let hosts = &account.endpoint.allowed_hosts;
    let mut versions = key_versions::sealed_of(work.conn, key.meta.uid).await?;
    versions.retain(|version| version.sealed_hosts != *hosts);
    if versions.is_empty() {
        return Ok(String::new());
    }
    let count = sealing::seal_anew(work, versions, account).await?;
    Ok(format!(
        ", {count} versions sealed anew for {}",
        hosts.join(" ")
    ))
}
