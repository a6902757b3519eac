//! `GetAccount`.

use sqlx::PgConnection;

use super::account_view::{AccountView, view};
use super::guard::{found, verified};
use super::{Result, Vault, Work};
use crate::domain::account::Account;
use crate::domain::name::AccountName;
use crate::store::{accounts, cluster};

impl Vault {
    /// Reads an account.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_account(&self, name: &AccountName) -> Result<AccountView> {
        let mut conn = self.pool.acquire().await?;
        let now = cluster::now(&mut conn).await?;
        read(&mut conn, name, now).await
    }
}

/// Reads an account within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: &AccountName) -> Result<AccountView> {
    read(work.conn, name, work.now).await
}

async fn read(
    conn: &mut PgConnection,
    name: &AccountName,
    now: crate::domain::time::Timestamp,
) -> Result<AccountView> {
    let stored = found(accounts::find(conn, &name.0).await?, name)?;
    view(conn, stored.resource, now).await
}

/// The account that a verb is about to change or to build upon.
pub(super) async fn to_change(work: &mut Work<'_>, name: &AccountName) -> Result<Account> {
    let stored = found(accounts::find(work.conn, &name.0).await?, name)?;
    verified(work.keys, stored, name)
}
