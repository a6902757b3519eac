//! `UpdatePool`.

use super::create_pool::replace_members;
use super::guard::check_etag;
use super::pool_view::{PoolView, view};
use super::{Done, Result, Verb, Work, get_pool};
use crate::domain::name::PoolName;
use crate::domain::pool_draft::PoolDraft;
use crate::store::pools;

/// Changes of a pool.
#[derive(Debug, Clone)]
pub struct UpdatePool {
    /// Which.
    pub name: PoolName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// What changes.
    pub draft: PoolDraft,
}

impl Verb for UpdatePool {
    type Answer = PoolView;

    async fn apply(mut self, work: &mut Work<'_>) -> Result<Done<PoolView>> {
        let mut pool = get_pool::to_change(work, &self.name).await?;
        check_etag(&self.etag, &pool.meta, &self.name)?;
        let members = self.draft.members.take();
        self.draft.apply(&mut pool);
        pool.meta.touch(work.rev, work.now);
        let mac = work.keys.mac.of_row(&pool);
        pools::update(work.conn, &pool, &mac).await?;
        if let Some(members) = members {
            replace_members(work, &mut pool, &members).await?;
        }
        Ok(Done {
            resource: self.name.to_string(),
            summary: format!("updated, members: {}", pool.members.len()),
            answer: view(work.conn, pool, work.now).await?,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<PoolView> {
        get_pool::reread(work, &self.name).await
    }
}
