//! `CreatePool`.

use uuid::Uuid;

use super::error::Refusal;
use super::pool_view::{PoolView, protected, view};
use super::{Done, Result, Verb, Work, get_pool};
use crate::domain::id::Id;
use crate::domain::key::Meta;
use crate::domain::labels::Labels;
use crate::domain::name::PoolName;
use crate::domain::pool::{HealthPolicy, Pool, Strategy};
use crate::domain::pool_draft::{MemberDraft, PoolDraft, resolve};
use crate::store::{self, pool_members, pools};

/// A pool to create.
#[derive(Debug, Clone)]
pub struct CreatePool {
    /// The last segment of its name.
    pub id: Id,
    /// All else.
    pub draft: PoolDraft,
}

impl Verb for CreatePool {
    type Answer = PoolView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<PoolView>> {
        let pool = self.insert(work).await?;
        Ok(Done {
            resource: PoolName(pool.id.clone()).to_string(),
            summary: format!("created, members: {}", pool.members.len()),
            answer: view(work.conn, pool, work.now).await?,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<PoolView> {
        get_pool::reread(work, &PoolName(self.id)).await
    }
}

impl CreatePool {
    /// Writes the pool and its members, which may be accounts and keys of the same change.
    pub(super) async fn insert(self, work: &mut Work<'_>) -> Result<Pool> {
        let mut pool = Pool {
            meta: Meta::created(Uuid::now_v7(), work.rev, Labels::default(), work.now),
            id: self.id,
            members: Vec::new(),
            strategy: Strategy::default(),
            health_policy: HealthPolicy::default(),
            default_estimate: None,
            rotation_interval: None,
            lease_duration: None,
            failure_rules: None,
            journal: crate::domain::journal::Journaling::Rollup,
            disablement: None,
        };
        let mut draft = self.draft;
        let members = draft.members.take();
        draft.apply(&mut pool);
        let mac = work.keys.mac.of_row(&pool);
        match pools::insert(work.conn, &pool, &mac).await {
            Ok(()) => {}
            Err(store::Error::Unique { .. }) => {
                let resource = PoolName(pool.id).to_string();
                return Err(Refusal::Exists { resource }.into());
            }
            Err(error) => return Err(error.into()),
        }
        replace_members(work, &mut pool, &members.unwrap_or_default()).await?;
        Ok(pool)
    }
}

/// Looks the members up by name and writes them in the place of those that the pool has.
pub(super) async fn replace_members(
    work: &mut Work<'_>,
    pool: &mut Pool,
    drafts: &[MemberDraft],
) -> Result<()> {
    let names: Vec<_> = drafts.iter().map(|draft| &draft.target).collect();
    let targets = pool_members::targets(work.conn, &names).await?;
    pool.members = resolve(drafts, |name| targets.get(name).copied())?;
    let rows = protected(work.keys, pool.meta.uid, &pool.members);
    pool_members::replace(work.conn, pool.meta.uid, &rows).await?;
    Ok(())
}
