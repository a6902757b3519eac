//! `GetKey`.

use sqlx::PgConnection;

use super::guard::{found, verified};
use super::key_view::{KeyView, view};
use super::{Result, Vault, Work};
use crate::domain::key::Key;
use crate::domain::name::KeyName;
use crate::domain::time::Timestamp;
use crate::store::{cluster, keys};

impl Vault {
    /// Reads a key.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_key(&self, name: &KeyName) -> Result<KeyView> {
        let mut conn = self.pool.acquire().await?;
        let now = cluster::now(&mut conn).await?;
        read(&mut conn, name, now).await
    }
}

/// Reads a key within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: &KeyName) -> Result<KeyView> {
    read(work.conn, name, work.now).await
}

async fn read(conn: &mut PgConnection, name: &KeyName, now: Timestamp) -> Result<KeyView> {
    let key = stored(conn, name).await?;
    view(conn, key, name, now).await
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
