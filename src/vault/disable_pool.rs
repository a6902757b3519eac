//! `DisablePool` and `EnablePool`.

use super::disable::{Word, word_summary};
use super::guard::check_etag;
use super::pool_view::{PoolView, view};
use super::{Done, Result, Verb, Work, get_pool};
use crate::domain::name::PoolName;
use crate::store::pools;

/// A pool to disable.
#[derive(Debug, Clone)]
pub struct DisablePool {
    /// Which.
    pub name: PoolName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// Why, and until when.
    pub word: Word,
}

/// A pool to enable.
#[derive(Debug, Clone)]
pub struct EnablePool {
    /// Which.
    pub name: PoolName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DisablePool {
    type Answer = PoolView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<PoolView>> {
        set(work, &self.name, &self.etag, Some(self.word)).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<PoolView> {
        get_pool::reread(work, &self.name).await
    }
}

impl Verb for EnablePool {
    type Answer = PoolView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<PoolView>> {
        set(work, &self.name, &self.etag, None).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<PoolView> {
        get_pool::reread(work, &self.name).await
    }
}

async fn set(
    work: &mut Work<'_>,
    name: &PoolName,
    etag: &str,
    word: Option<Word>,
) -> Result<Done<PoolView>> {
    let mut pool = get_pool::to_change(work, name).await?;
    check_etag(etag, &pool.meta, name)?;
    pool.disablement = word.map(|word| word.spoken(work)).transpose()?;
    pool.meta.touch(work.rev, work.now);
    let mac = work.keys.mac.of_row(&pool);
    pools::update(work.conn, &pool, &mac).await?;
    Ok(Done {
        resource: name.to_string(),
        summary: word_summary(pool.disablement.as_ref()),
        answer: view(work.conn, pool, work.now).await?,
    })
}
