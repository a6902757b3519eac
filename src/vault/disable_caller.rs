//! `DisableCaller` and `EnableCaller`.

use super::caller_rows::keep_an_admin;
use super::disable::{Word, word_summary};
use super::guard::check_etag;
use super::{Done, Result, Verb, Work, get_caller};
use crate::domain::caller::Caller;
use crate::domain::name::CallerName;
use crate::store::callers;

/// A caller to disable.
#[derive(Debug, Clone)]
pub struct DisableCaller {
    /// Which.
    pub name: CallerName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// Why, and until when.
    pub word: Word,
}

/// A caller to enable.
#[derive(Debug, Clone)]
pub struct EnableCaller {
    /// Which.
    pub name: CallerName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DisableCaller {
    type Answer = Caller;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Caller>> {
        set(work, &self.name, &self.etag, Some(self.word)).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Caller> {
        get_caller::reread(work, &self.name).await
    }
}

impl Verb for EnableCaller {
    type Answer = Caller;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Caller>> {
        set(work, &self.name, &self.etag, None).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Caller> {
        get_caller::reread(work, &self.name).await
    }
}

async fn set(
    work: &mut Work<'_>,
    name: &CallerName,
    etag: &str,
    word: Option<Word>,
) -> Result<Done<Caller>> {
    let before = get_caller::to_change(work, name).await?;
    check_etag(etag, &before.meta, name)?;
    let mut caller = before.clone();
    caller.disablement = word.map(|word| word.spoken(work)).transpose()?;
    keep_an_admin(work, &before, Some(&caller)).await?;
    caller.meta.touch(work.rev, work.now);
    let mac = work.keys.mac.of_row(&caller);
    callers::update(work.conn, &caller, &mac).await?;
    Ok(Done {
        resource: name.to_string(),
        summary: word_summary(caller.disablement.as_ref()),
        answer: caller,
    })
}
