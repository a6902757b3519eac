//! `DeleteKey`.

use super::error::Refusal;
use super::guard::check_etag;
use super::{Done, Result, Verb, Work, get_key};
use crate::domain::name::KeyName;
use crate::store::{deletions, keys, pool_members};

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
        // Its MAC is not asked for: deleting is the remedy for a row that was tampered with.
        let key = get_key::stored(work.conn, &self.name).await?;
        check_etag(&self.etag, &key.meta, &self.name)?;
        let uid = key.meta.uid;
        let pools = pool_members::pools_naming(work.conn, uid).await?;
        if let Some(pool) = pools.first() {
            let resource = self.name.to_string();
            let message = format!("{resource} is a member of pools/{pool}, remove it there first");
            return Err(Refusal::State { resource, message }.into());
        }
        deletions::insert_versions(work.conn, work.rev, uid).await?;
        keys::delete(work.conn, uid).await?;
        deletions::insert(work.conn, work.rev, "keys", uid).await?;
        Ok(Done {
            answer: (),
            resource: self.name.to_string(),
            summary: "deleted, its secrets are erased".to_owned(),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
