//! `GetCaller`.

use sqlx::PgConnection;

use super::caller_rows::{at, with_grants};
use super::guard::{found, verified};
use super::keys::VaultKeys;
use super::{Result, Vault, Work, trust};
use crate::domain::caller::Caller;
use crate::domain::name::CallerName;
use crate::domain::time::Timestamp;
use crate::store::connection::acquire;
use crate::store::{callers, cluster};

impl Vault {
    /// Reads a caller.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_caller(&self, name: &CallerName) -> Result<Caller> {
        let mut conn = acquire(&self.pool).await?;
        let now = cluster::now(&mut conn).await?;
        read(&mut conn, &self.keys, name, now).await
    }
}

/// Reads a caller within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: &CallerName) -> Result<Caller> {
    read(work.conn, work.keys, name, work.now).await
}

/// The caller that a verb is about to change or to build upon.
pub(super) async fn to_change(work: &mut Work<'_>, name: &CallerName) -> Result<Caller> {
    let stored = found(callers::find(work.conn, &name.0).await?, name)?;
    let caller = verified(work.keys, stored, name)?;
    let mut callers = with_grants(work.conn, work.keys, vec![caller]).await?;
    found(callers.pop(), name)
}

async fn read(
    conn: &mut PgConnection,
    keys: &VaultKeys,
    name: &CallerName,
    now: Timestamp,
) -> Result<Caller> {
    let stored = found(callers::find(conn, &name.0).await?, name)?;
    let distrust = trust::of_row(keys, &stored, &name.to_string());
    let mut caller = stored.resource;
    caller.meta.distrust = distrust;
    let mut callers = with_grants(conn, keys, vec![caller]).await?;
    found(callers.pop().map(|caller| at(caller, now)), name)
}
