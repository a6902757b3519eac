//! `GetKey`.

use sqlx::PgConnection;

use super::guard::{found, verified};
use super::key_view::{KeyView, view};
use super::keys::VaultKeys;
use super::{Result, Vault, Work, trust};
use crate::domain::key::Key;
use crate::domain::name::KeyName;
use crate::domain::time::Timestamp;
use crate::store::connection::acquire;
use crate::store::{cluster, keys};

impl Vault {
    /// Reads a key.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_key(&self, name: &KeyName) -> Result<KeyView> {
        let mut conn = acquire(&self.pool).await?;
        let now = cluster::now(&mut conn).await?;
        read(&mut conn, &self.keys, name, now).await
    }
}

/// Reads a key within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: &KeyName) -> Result<KeyView> {
    read(work.conn, work.keys, name, work.now).await
}

async fn read(
    conn: &mut PgConnection,
    vault_keys: &VaultKeys,
    name: &KeyName,
    now: Timestamp,
) -> Result<KeyView> {
    let row = keys::find(conn, &name.account, &name.key).await?;
    let rows = vec![found(row, name)?];
    let key = trust::read_keys(conn, vault_keys, rows).await?.pop();
    view(conn, found(key, name)?, name, now).await
}

/// The key as its row says, for verbs that only read.
pub(super) async fn stored(conn: &mut PgConnection, name: &KeyName) -> Result<Key> {
    let stored = keys::find(conn, &name.account, &name.key).await?;
    Ok(found(stored, name)?.resource)
}

/// The key that a verb is about to change or to build upon.
pub(super) async fn to_change(work: &mut Work<'_>, name: &KeyName) -> Result<Key> {
    let stored = keys::find(work.conn, &name.account, &name.key).await?;
    verified(work.keys, found(stored, name)?, name)
}
