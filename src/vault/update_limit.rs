//! `UpdateLimit`.

use super::create_limit::limit_summary;
use super::{Done, Result, Verb, Work, get_limit};
use crate::domain::limit::Limit;
use crate::domain::limit_draft::LimitDraft;
use crate::domain::name::LimitName;
use crate::store::limits;

/// Changes of a limit.
#[derive(Debug, Clone)]
pub struct UpdateLimit {
    /// Which.
    pub name: LimitName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// What changes.
    pub draft: LimitDraft,
}

impl Verb for UpdateLimit {
    type Answer = Limit;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Limit>> {
        let mut limit = get_limit::to_change(work, &self.name, &self.etag).await?;
        self.draft.apply(&mut limit)?;
        limit.rev = work.rev;
        limit.update_time = work.now;
        limits::update(work.conn, &limit).await?;
        Ok(Done {
            resource: self.name.to_string(),
            summary: format!("updated, {}", limit_summary(&limit)),
            answer: limit,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Limit> {
        get_limit::reread(work, &self.name).await
    }
}
