//! `DeleteCaller`.

use super::caller_rows::{keep_an_admin, with_grants};
use super::guard::{check_etag, found};
use super::{Done, Result, Verb, Work};
use crate::domain::name::CallerName;
use crate::store::{callers, deletions, tokens};

/// A caller to delete.
#[derive(Debug, Clone)]
pub struct DeleteCaller {
    /// Which.
    pub name: CallerName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DeleteCaller {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let stored = found(callers::find(work.conn, &self.name.0).await?, &self.name)?;
        check_etag(&self.etag, &stored.resource.meta, &self.name)?;
        let uid = stored.resource.meta.uid;
        // A row that was tampered with is nobody's last admin: nobody believes it, and deleting is the remedy.
        if work.keys.mac.verifies_row(&stored.resource, &stored.mac) {
            let before = with_grants(work.conn, work.keys, vec![stored.resource]).await?;
            for caller in &before {
                keep_an_admin(work, caller, None).await?;
            }
        }
        let tokens = tokens::uids(work.conn, uid).await?;
        callers::delete(work.conn, uid).await?;
        for token in &tokens {
            deletions::insert(work.conn, work.rev, "tokens", *token).await?;
        }
        deletions::insert(work.conn, work.rev, "callers", uid).await?;
        Ok(Done {
            answer: (),
            resource: self.name.to_string(),
            summary: format!("deleted, with its tokens: {}", tokens.len()),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
