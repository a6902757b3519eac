//! `CreateCaller`.

use uuid::Uuid;

use super::caller_rows::replace_grants;
use super::error::Refusal;
use super::{Done, Result, Verb, Work, get_caller};
use crate::domain::caller::{Caller, Grant};
use crate::domain::caller_draft::CallerDraft;
use crate::domain::id::Id;
use crate::domain::key::Meta;
use crate::domain::labels::Labels;
use crate::domain::name::CallerName;
use crate::store::{self, callers};

/// A caller to create.
#[derive(Debug, Clone)]
pub struct CreateCaller {
    /// The last segment of its name.
    pub id: Id,
    /// All else.
    pub draft: CallerDraft,
}

impl Verb for CreateCaller {
    type Answer = Caller;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Caller>> {
        let caller = self.insert(work).await?;
        Ok(Done {
            resource: CallerName(caller.id.clone()).to_string(),
            summary: format!("created, {}", grants_summary(&caller.grants)),
            answer: caller,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Caller> {
        get_caller::reread(work, &CallerName(self.id)).await
    }
}

impl CreateCaller {
    /// Writes the caller and its grants.
    pub(super) async fn insert(self, work: &mut Work<'_>) -> Result<Caller> {
        let mut caller = Caller {
            meta: Meta::created(Uuid::now_v7(), work.rev, Labels::default(), work.now),
            id: self.id,
            grants: Vec::new(),
            disablement: None,
        };
        self.draft.apply(&mut caller);
        let mac = work.keys.mac.of_row(&caller);
        match callers::insert(work.conn, &caller, &mac).await {
            Ok(()) => {}
            Err(store::Error::Unique { .. }) => {
                let resource = CallerName(caller.id).to_string();
                return Err(Refusal::Exists { resource }.into());
            }
            Err(error) => return Err(error.into()),
        }
        replace_grants(work, &caller).await?;
        Ok(caller)
    }
}

/// The grants in a few words, for the audit.
pub(super) fn grants_summary(grants: &[Grant]) -> String {
    /// More than this many are told by their number.
    const NAMED_MAX: usize = 8;
    if grants.is_empty() {
        return "no grants".to_owned();
    }
    let named: Vec<_> = grants.iter().take(NAMED_MAX).map(grant_name).collect();
    let more = match grants.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("grants: {}{more}", named.join(", "))
}

/// A grant in a few words.
pub(super) fn grant_name(grant: &Grant) -> String {
    match grant.pool_pattern() {
        "" => grant.role().to_owned(),
        pattern => format!("{} of {pattern}", grant.role()),
    }
}
