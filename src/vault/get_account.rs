//! `GetAccount`.

use sqlx::PgConnection;

use super::account_view::{AccountView, view};
use super::guard::{found, verified};
use super::keys::VaultKeys;
use super::{Result, Vault, Work, trust};
use crate::domain::account::Account;
use crate::domain::name::AccountName;
use crate::domain::time::Timestamp;
use crate::store::connection::acquire;
use crate::store::{accounts, cluster};

impl Vault {
    /// Reads an account.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_account(&self, name: &AccountName) -> Result<AccountView> {
        let mut conn = acquire(&self.pool).await?;
        let now = cluster::now(&mut conn).await?;
        read(&mut conn, &self.keys, name, now).await
    }
}

/// Reads an account within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: &AccountName) -> Result<AccountView> {
    read(work.conn, work.keys, name, work.now).await
}

async fn read(
    conn: &mut PgConnection,
    keys: &VaultKeys,
    name: &AccountName,
    now: Timestamp,
) -> Result<AccountView> {
    let stored = found(accounts::find(conn, &name.0).await?, name)?;
    let distrust = trust::of_row(keys, &stored, &name.to_string());
    let mut account = stored.resource;
    account.meta.distrust = distrust;
    view(conn, account, now).await
}

/// The account that a verb is about to change or to build upon.
pub(super) async fn to_change(work: &mut Work<'_>, name: &AccountName) -> Result<Account> {
    let stored = found(accounts::find(work.conn, &name.0).await?, name)?;
    verified(work.keys, stored, name)
}
