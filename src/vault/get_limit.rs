//! `GetLimit`.

use sqlx::PgConnection;

use super::error::Refusal;
use super::guard::found;
use super::{Result, Vault, Work};
use crate::domain::key::etag;
use crate::domain::limit::{Limit, Owner};
use crate::domain::name::{AccountName, CallerName, LimitName, OwnerName};
use crate::store::connection::acquire;
use crate::store::{accounts, callers, limits};

impl Vault {
    /// Reads a limit.
    ///
    /// # Errors
    /// It, or its owner, does not exist.
    pub async fn get_limit(&self, name: &LimitName) -> Result<Limit> {
        let mut conn = acquire(&self.pool).await?;
        read(&mut conn, name).await
    }
}

/// Reads a limit within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: &LimitName) -> Result<Limit> {
    read(work.conn, name).await
}

/// The limit that a verb is about to change.
pub(super) async fn to_change(work: &mut Work<'_>, name: &LimitName, seen: &str) -> Result<Limit> {
    let limit = read(work.conn, name).await?;
    if seen.is_empty() || seen == etag(limit.rev) {
        return Ok(limit);
    }
    let resource = name.to_string();
    Err(Refusal::EtagMismatch { resource }.into())
}

async fn read(conn: &mut PgConnection, name: &LimitName) -> Result<Limit> {
    let owner = owner_of(conn, &name.owner).await?;
    found(limits::find(conn, owner, &name.limit).await?, name)
}

/// The owner by uid.
pub(super) async fn owner_of(conn: &mut PgConnection, name: &OwnerName) -> Result<Owner> {
    match name {
        OwnerName::Account(id) => {
            let name = AccountName(id.clone());
            let account = found(accounts::find(conn, id).await?, &name)?;
            Ok(Owner::Account(account.resource.meta.uid))
        }
        OwnerName::Caller(id) => {
            let name = CallerName(id.clone());
            let caller = found(callers::find(conn, id).await?, &name)?;
            Ok(Owner::Caller(caller.resource.meta.uid))
        }
    }
}
