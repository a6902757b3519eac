//! `SetRotator` and `GetRotator`: who makes the new secrets of an account's keys.

use std::time::Duration;

use uuid::Uuid;

use crate::crypto::Secret;
use crate::domain::name::AccountName;
use crate::domain::rotator::{self, Rotator};
use crate::store::connection::acquire;
use crate::store::{accounts, rotators};
use crate::vault::guard::{found, verified};
use crate::vault::{Done, Result, Vault, Verb, Work, get_account};

/// A rotator to set.
#[derive(Debug, Clone)]
pub struct SetRotator {
    /// Whose keys it makes secrets for.
    pub account: AccountName,
    /// Where it is asked, parsed.
    pub url: String,
    /// Plain http was allowed by name.
    pub allow_http: bool,
    /// How long a previous version is kept at least.
    pub grace: Option<Duration>,
    /// Requests are signed with another secret from now on.
    pub new_secret: bool,
}

/// A rotator, and what its receiver knows us by.
#[derive(Debug)]
pub struct RotatorView {
    /// Whose.
    pub account: AccountName,
    /// As stored.
    pub rotator: Rotator,
    /// The signing secret, for whoever set it up.
    pub secret: Option<Secret>,
}

impl Verb for SetRotator {
    type Answer = RotatorView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<RotatorView>> {
        let account = get_account::to_change(work, &self.account).await?;
        let stored = rotators::find(work.conn, account.meta.uid).await?;
        // One that was tampered with is overwritten: that is the remedy. Nothing of it is believed.
        let before = stored
            .filter(|stored| work.keys.mac.verifies_row(&stored.resource, &stored.mac))
            .map(|stored| stored.resource);
        let kept = before.as_ref().filter(|_| !self.new_secret);
        let generation = kept.map_or_else(
            || rotator::generation_of(Uuid::new_v4()),
            |rotator| rotator.generation,
        );
        let rotator = Rotator {
            account_uid: account.meta.uid,
            rev: work.rev,
            url: self.url,
            allow_http: self.allow_http,
            grace: self.grace,
            generation,
            create_time: before.map_or(work.now, |rotator| rotator.create_time),
            update_time: work.now,
        };
        let mac = work.keys.mac.of_row(&rotator);
        rotators::put(work.conn, &rotator, &mac).await?;
        Ok(Done {
            resource: format!("{}/rotator", self.account),
            summary: format!("asks {}", host_of(&rotator.url)),
            answer: with_secret(work, self.account, rotator),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<RotatorView> {
        let account = get_account::to_change(work, &self.account).await?;
        let stored = rotators::find(work.conn, account.meta.uid).await?;
        let name = format!("{}/rotator", self.account);
        let rotator = verified(work.keys, found(stored, &name)?, &name)?;
        Ok(with_secret(work, self.account, rotator))
    }
}

/// Where it is: the rest of the address may hold a token of its receiver's, as those of alerts do, and many may read the audit.
fn host_of(url: &str) -> String {
    let url = url::Url::parse(url).ok();
    let host = url
        .as_ref()
        .and_then(|url| Some((url.scheme(), url.host_str()?)));
    host.map_or_else(String::new, |(scheme, host)| format!("{scheme}://{host}"))
}

fn with_secret(work: &Work<'_>, account: AccountName, rotator: Rotator) -> RotatorView {
    let cluster = &work.keys.cluster;
    let secret = cluster.rotator_secret(&rotator.account_uid, rotator.generation);
    RotatorView {
        account,
        rotator,
        secret: Some(secret),
    }
}

impl Vault {
    /// Reads the rotator of an account, without its secret.
    ///
    /// # Errors
    /// There is none, or its row is not what was written.
    pub async fn get_rotator(&self, account: &AccountName) -> Result<RotatorView> {
        let mut conn = acquire(&self.pool).await?;
        let stored = found(accounts::find(&mut conn, &account.0).await?, account)?;
        let rotator = rotators::find(&mut conn, stored.resource.meta.uid).await?;
        let name = format!("{account}/rotator");
        Ok(RotatorView {
            account: account.clone(),
            rotator: verified(&self.keys, found(rotator, &name)?, &name)?,
            secret: None,
        })
    }
}
