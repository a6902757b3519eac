//! `DeleteLimit`.

use super::{Done, Result, Verb, Work, get_limit};
use crate::domain::name::LimitName;
use crate::store::{deletions, limits};

/// A limit to delete.
#[derive(Debug, Clone)]
pub struct DeleteLimit {
    /// Which.
    pub name: LimitName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DeleteLimit {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let limit = get_limit::to_change(work, &self.name, &self.etag).await?;
        limits::delete(work.conn, limit.uid, work.rev, work.now).await?;
        deletions::insert(work.conn, work.rev, "limits", limit.uid).await?;
        Ok(Done {
            answer: (),
            resource: self.name.to_string(),
            summary: "deleted, its charges are kept".to_owned(),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
