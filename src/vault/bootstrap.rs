//! The first administrator: whoever holds the master key and the database makes it, and gets its token once.

use std::sync::Arc;

use super::caller_rows::{replace_grants, with_grants};
use super::error::{Fault, Refusal};
use super::{Change, CreateCaller, CreateToken, Done, Result, Vault, Verb, Work};
use crate::crypto::Secret;
use crate::domain::caller::{Caller, Grant};
use crate::domain::caller_draft::{CallerDraft, is_enabled_admin};
use crate::domain::id::Id;
use crate::domain::name::CallerName;
use crate::store::{callers, tokens};

/// The id of the first administrator.
const ADMIN: &str = "admin";

/// Makes the caller `admin`, or gives it back its role.
#[derive(Debug)]
struct Bootstrap {
    recover: bool,
}

impl Vault {
    /// Creates the caller `admin` with the role admin, and answers the text of a new token of it. With `recover` also where somebody can
    /// administer already; a caller `admin` that is there is enabled and given the role.
    ///
    /// # Errors
    /// [`Refusal::State`] if an enabled administrator has a good token and `recover` is not set.
    pub async fn bootstrap(self: &Arc<Self>, recover: bool) -> Result<Secret> {
        let reason = if recover { "recovery" } else { "first start" };
        let change = Change::by_system("Bootstrap", reason);
        self.change(change, Bootstrap { recover }).await
    }
}

impl Verb for Bootstrap {
    type Answer = Secret;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Secret>> {
        if !self.recover {
            refuse_if_administered(work).await?;
        }
        let id = Id::parse("id", ADMIN)?;
        match callers::find(work.conn, &id).await? {
            Some(stored) => reinstate(work, stored.resource).await?,
            None => {
                let draft = CallerDraft {
                    grants: Some(vec![Grant::Admin]),
                    ..CallerDraft::default()
                };
                let create = CreateCaller {
                    id: id.clone(),
                    draft,
                };
                create.insert(work).await?;
            }
        }
        let create = CreateToken {
            caller: CallerName(id),
            expire_time: None,
            display_name: "bootstrap".to_owned(),
        };
        let done = create.apply(work).await?;
        let text = done.answer.text;
        let text = text.ok_or_else(|| Fault::new("a new token has no text", "none"))?;
        Ok(Done {
            answer: text,
            resource: done.resource,
            summary: "created for the administrator of the first hour".to_owned(),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, resource: &str) -> Result<Secret> {
        let resource = resource.to_owned();
        let message = "a bootstrap is not repeated, run it again".to_owned();
        Err(Refusal::State { resource, message }.into())
    }
}

/// Makes `admin` what it was: whatever its row says, it is enabled and an administrator, and only grants that are ours stay.
async fn reinstate(work: &mut Work<'_>, caller: Caller) -> Result<()> {
    let callers = with_grants(work.conn, work.keys, vec![caller]).await?;
    for mut caller in callers {
        caller.disablement = None;
        if !caller.grants.contains(&Grant::Admin) {
            caller.grants.push(Grant::Admin);
        }
        caller.meta.touch(work.rev, work.now);
        let mac = work.keys.mac.of_row(&caller);
        callers::update(work.conn, &caller, &mac).await?;
        replace_grants(work, &caller).await?;
    }
    Ok(())
}

/// Refuses if somebody can administer: an enabled caller with the role, and a token that is good.
async fn refuse_if_administered(work: &mut Work<'_>) -> Result<()> {
    let rows = callers::admins(work.conn).await?;
    let believed = rows
        .into_iter()
        .filter(|row| work.keys.mac.verifies_row(&row.resource, &row.mac))
        .map(|row| row.resource)
        .collect();
    for caller in with_grants(work.conn, work.keys, believed).await? {
        let good = tokens::count_good(work.conn, caller.meta.uid, work.now).await?;
        if is_enabled_admin(&caller, work.now) && good > 0 {
            let resource = CallerName(caller.id).to_string();
            let message = format!(
                "{resource} can administer already, use its token, or run with --recover if it is lost"
            );
            return Err(Refusal::State { resource, message }.into());
        }
    }
    Ok(())
}
