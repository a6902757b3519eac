//! `UpdateLimit`.

use sqlx::PgConnection;

use super::create_limit::limit_summary;
use super::{Done, Result, Verb, Work, get_limit};
use crate::domain::ledger::outlast::Outlasting;
use crate::domain::limit::Limit;
use crate::domain::limit_draft::LimitDraft;
use crate::domain::name::LimitName;
use crate::domain::terms::Span;
use crate::store::{self, limit_ledgers, limit_spans, limits};

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
        let before = limit.span;
        self.draft.apply(&mut limit)?;
        limit.rev = work.rev;
        limit.update_time = work.now;
        limits::update(work.conn, &limit).await?;
        count_on(work.conn, &limit, before).await?;
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

/// What is charged to a limit that counts over another span from now on counts over that one.
pub(super) async fn count_on(
    conn: &mut PgConnection,
    limit: &Limit,
    before: Span,
) -> store::Result<()> {
    let terms = limit.terms();
    if !terms.span.may_outlast(before) {
        return Ok(());
    }
    let mut locked = limit_ledgers::lock(conn, &[limit.uid], true).await?;
    let read = limit_ledgers::terms(conn, &[limit.uid]).await?;
    for ((_, entry), now) in locked.iter_mut().zip(read.values()) {
        let low = entry.clocks.low;
        match entry.outlast(before, &terms, now.now) {
            Outlasting::By(longer) => limit_spans::prolong(conn, limit.uid, low, longer).await?,
            Outlasting::Until(end) => limit_spans::outlast(conn, limit.uid, low, end).await?,
        }
    }
    limit_ledgers::advance(conn, &locked).await
}
