//! `UpdateLimit`.

use sqlx::PgConnection;

use super::create_limit::{share_words, span_words};
use super::{Done, Result, Verb, Work, get_limit};
use crate::domain::changes::{Changes, or_unset, patterns, time};
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
        let before = limit.clone();
        self.draft.apply(&mut limit)?;
        limit.rev = work.rev;
        limit.update_time = work.now;
        limits::update(work.conn, &limit).await?;
        count_on(work.conn, &limit, before.span).await?;
        Ok(Done {
            resource: self.name.to_string(),
            summary: changes(&before, &limit).summary(),
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

/// What changed. A field that is new has to be named here.
fn changes(before: &Limit, now: &Limit) -> Changes {
    let Limit {
        uid: _,
        rev: _,
        owner: _,
        id: _,
        create_time: _,
        update_time: _,
        dimension: _,
        amount,
        span,
        models,
        mode,
        validity,
        start_within,
        blackout,
        offline,
    } = before;
    let mut changes = Changes::default();
    changes.field("amount", (amount, &now.amount), u64::to_string);
    let over = match now.span {
        Span::Rolling(_) => "rolling",
        Span::Calendar(_) => "calendar",
        Span::Held(_) => "lease_duration_max",
    };
    changes.field(over, (span, &now.span), |span| span_words(*span));
    changes.field("models", (&models[..], &now.models[..]), patterns);
    changes.field("mode", (mode, &now.mode), |mode| mode.as_str().to_owned());
    changes.field("block_validity", (validity, &now.validity), time);
    changes.field("start_within", (start_within, &now.start_within), time);
    changes.field("blackout_max", (blackout, &now.blackout), time);
    changes.field("offline_share", (offline, &now.offline), |share| {
        or_unset(share.as_ref(), share_words)
    });
    changes
}
