//! `UpdateCaller`.

use super::caller_rows::{at, keep_an_admin, replace_grants};
use super::create_caller::grant_name;
use super::guard::check_etag;
use super::{Done, Result, Verb, Work, get_caller};
use crate::domain::caller::{Caller, Grant};
use crate::domain::caller_draft::CallerDraft;
use crate::domain::changes::{Changes, labels};
use crate::domain::name::CallerName;
use crate::store::callers;

/// Changes of a caller.
#[derive(Debug, Clone)]
pub struct UpdateCaller {
    /// Which.
    pub name: CallerName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// What changes.
    pub draft: CallerDraft,
}

impl Verb for UpdateCaller {
    type Answer = Caller;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Caller>> {
        let before = get_caller::to_change(work, &self.name).await?;
        check_etag(&self.etag, &before.meta, &self.name)?;
        let regrants = self.draft.grants.is_some();
        let mut caller = before.clone();
        self.draft.apply(&mut caller);
        keep_an_admin(work, &before, Some(&caller)).await?;
        caller.meta.touch(work.rev, work.now);
        let mac = work.keys.mac.of_row(&caller);
        callers::update(work.conn, &caller, &mac).await?;
        if regrants {
            replace_grants(work, &caller).await?;
        }
        Ok(Done {
            resource: self.name.to_string(),
            summary: changes(&before, &caller).summary(),
            answer: at(caller, work.now),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Caller> {
        get_caller::reread(work, &self.name).await
    }
}

/// What changed. A field that is new has to be named here.
fn changes(before: &Caller, now: &Caller) -> Changes {
    let Caller {
        meta,
        id: _,
        grants,
        disablement: _,
    } = before;
    let mut changes = Changes::default();
    changes.field("labels", (&meta.labels, &now.meta.labels), labels);
    changes.field("grants", (&names(grants), &names(&now.grants)), |names| {
        format!("[{}]", names.join(", "))
    });
    changes
}

/// In whatever order they are.
fn names(grants: &[Grant]) -> Vec<String> {
    let mut names: Vec<String> = grants.iter().map(grant_name).collect();
    names.sort();
    names
}
