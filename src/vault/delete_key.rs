//! `DeleteKey`.

use uuid::Uuid;

use super::error::Refusal;
use super::guard::{check_etag, found};
use super::{Done, Result, Verb, Work};
use crate::domain::name::KeyName;
use crate::store::{deletions, key_versions, keys, pool_members, rotations, rotators};

/// A key to delete, with its versions and their secrets.
#[derive(Debug, Clone)]
pub struct DeleteKey {
    /// Which.
    pub name: KeyName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DeleteKey {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let stored = keys::find(work.conn, &self.name.account, &self.name.key).await?;
        let stored = found(stored, &self.name)?;
        // Its MAC is not insisted on: deleting is the remedy for a row that was tampered with.
        let is_ours = work.keys.mac.verifies_row(&stored.resource, &stored.mac);
        let meta = stored.resource.meta;
        check_etag(&self.etag, &meta, &self.name)?;
        let uid = meta.uid;
        let pools = pool_members::pools_naming(work.conn, uid).await?;
        if let Some(pool) = pools.first() {
            let resource = self.name.to_string();
            let message = format!("{resource} is a member of pools/{pool}, remove it there first");
            return Err(Refusal::State { resource, message }.into());
        }
        let left = self
            .left_at_provider(work, (stored.resource.account_uid, uid), is_ours)
            .await?;
        deletions::insert_versions(work.conn, work.rev, uid).await?;
        keys::delete(work.conn, uid).await?;
        deletions::insert(work.conn, work.rev, "keys", uid).await?;
        Ok(Done {
            answer: (),
            resource: self.name.to_string(),
            summary: format!("deleted, its secrets are erased{left}"),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}

impl DeleteKey {
    /// With the key everybody would forget what its rotator has yet to have revoked at the provider, and that would stay good there for ever.
    /// Of a row that is not believed no rotation can be given up first: then it is said in the audit.
    async fn left_at_provider(
        &self,
        work: &mut Work<'_>,
        (account_uid, uid): (Uuid, Uuid),
        is_ours: bool,
    ) -> Result<String> {
        let unrevoked = rotations::unrevoked(work.conn, uid).await?;
        let mut draining = key_versions::previous(work.conn, uid).await?;
        if rotators::find(work.conn, account_uid).await?.is_none() {
            draining.clear();
        }
        let resource = self.name.to_string();
        let message = match (unrevoked.first(), draining.first()) {
            (Some(first), _) => format!(
                "{resource}/rotations/{} has yet to have version {} revoked at its provider: wait until it has, or revoke it there yourself and give the rotation up with CancelRotation first",
                first.id,
                first.number_to_revoke()
            ),
            (None, Some((_, number))) => format!(
                "{resource}/versions/{number} drains, and is then revoked at its provider by the rotator of its account: wait until it is, or revoke it at once with RetryRotation and revoke_previous_now"
            ),
            (None, None) => return Ok(String::new()),
        };
        if is_ours {
            return Err(Refusal::State { resource, message }.into());
        }
        let owed = unrevoked
            .iter()
            .map(|rotation| rotation.number_to_revoke().to_string());
        let draining = draining.iter().map(|(_, number)| number.to_string());
        let numbers = owed.chain(draining).collect::<Vec<_>>().join(", ");
        Ok(format!(
            ", its provider was not told yet to forget these versions: {numbers}"
        ))
    }
}
