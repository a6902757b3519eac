//! `DeleteAccount`.

use super::error::Refusal;
use super::guard::{check_etag, found};
use super::{Done, Result, Verb, Work};
use crate::domain::name::AccountName;
use crate::store::{self, accounts, deletions, limits, pool_members};

/// An account to delete.
#[derive(Debug, Clone)]
pub struct DeleteAccount {
    /// Which.
    pub name: AccountName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DeleteAccount {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        // Its MAC is not asked for: deleting is the remedy for a row that was tampered with.
        let stored = found(accounts::find(work.conn, &self.name.0).await?, &self.name)?;
        let account = stored.resource;
        check_etag(&self.etag, &account.meta, &self.name)?;
        let uid = account.meta.uid;
        let pools = pool_members::pools_naming(work.conn, uid).await?;
        if let Some(pool) = pools.first() {
            return Err(self.in_use(&format!(
                "is a member of pools/{pool}, remove it there first"
            )));
        }
        limits::delete_of_owner(work.conn, uid, work.rev, work.now).await?;
        match accounts::delete(work.conn, uid).await {
            Ok(()) => {}
            Err(store::Error::Referenced { .. }) => {
                return Err(self.in_use("has keys, delete them first"));
            }
            Err(error) => return Err(error.into()),
        }
        deletions::insert(work.conn, work.rev, "accounts", uid).await?;
        Ok(Done {
            answer: (),
            resource: self.name.to_string(),
            summary: "deleted".to_owned(),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}

impl DeleteAccount {
    fn in_use(&self, why: &str) -> super::Error {
        let resource = self.name.to_string();
        let message = format!("{resource} {why}");
        Refusal::State { resource, message }.into()
    }
}
