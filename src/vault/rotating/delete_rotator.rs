//! `DeleteRotator`: nobody makes the new secrets of an account's keys any more, or has the old ones revoked.

use uuid::Uuid;

use crate::domain::name::AccountName;
use crate::domain::rotation::Origin;
use crate::store::{accounts, deletions, key_versions, rotations, rotators};
use crate::vault::error::Refusal;
use crate::vault::guard::found;
use crate::vault::{Done, Result, Verb, Work};

/// A rotator to delete.
#[derive(Debug, Clone)]
pub struct DeleteRotator {
    /// Whose.
    pub account: AccountName,
}

impl Verb for DeleteRotator {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let stored = found(
            accounts::find(work.conn, &self.account.0).await?,
            &self.account,
        )?;
        let resource = format!("{}/rotator", self.account);
        let uid = stored.resource.meta.uid;
        if !rotators::delete(work.conn, uid).await? {
            return Err(Refusal::NotFound { resource }.into());
        }
        if let Some((key_uid, key)) = rotators::owed(work.conn, uid).await? {
            let key = format!("{}/keys/{key}", self.account);
            let owed = owed(work, key_uid, &key).await?;
            let message = format!("{resource} has work to do yet: {owed}");
            return Err(Refusal::State { resource, message }.into());
        }
        deletions::insert(work.conn, work.rev, "rotators", uid).await?;
        Ok(Done {
            answer: (),
            resource,
            summary: "deleted, secrets are rotated in by people from now on".to_owned(),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}

/// What a key waits for that nobody else would do: without it a secret would stay good at the provider for ever, and nobody would know.
async fn owed(work: &mut Work<'_>, key_uid: Uuid, key: &str) -> Result<String> {
    let open = rotations::open_of_key(work.conn, key_uid).await?;
    if let Some(open) = open.filter(|open| open.origin == Origin::Rotator) {
        return Ok(format!(
            "it makes the secret of {key}/rotations/{}: wait for that, or give it up with CancelRotation first",
            open.id
        ));
    }
    if let Some(unrevoked) = rotations::unrevoked(work.conn, key_uid).await?.first() {
        return Ok(format!(
            "{key}/rotations/{} has yet to have version {} revoked at its provider: wait until it has, or revoke it there yourself and give the rotation up with CancelRotation first",
            unrevoked.id,
            unrevoked.number_to_revoke()
        ));
    }
    let previous = key_versions::previous(work.conn, key_uid).await?;
    let numbers: Vec<String> = previous
        .iter()
        .map(|(_, number)| number.to_string())
        .collect();
    Ok(format!(
        "{key}/versions/{} drains, and is then revoked at its provider: wait until it is, or revoke it at once with RetryRotation and revoke_previous_now",
        numbers.join(" and ")
    ))
}
