//! `DeletePool`.

use super::guard::{check_etag, found};
use super::{Done, Result, Verb, Work};
use crate::domain::name::PoolName;
use crate::store::{deletions, pools};

/// A pool to delete.
#[derive(Debug, Clone)]
pub struct DeletePool {
    /// Which.
    pub name: PoolName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DeletePool {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        // Its MAC is not asked for: deleting is the remedy for a row that was tampered with.
        let stored = found(pools::find(work.conn, &self.name.0).await?, &self.name)?;
        let pool = stored.resource;
        check_etag(&self.etag, &pool.meta, &self.name)?;
        pools::delete(work.conn, pool.meta.uid).await?;
        deletions::insert(work.conn, work.rev, "pools", pool.meta.uid).await?;
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
