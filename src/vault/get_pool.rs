//! `GetPool`.

use sqlx::PgConnection;

use super::guard::{found, verified};
use super::keys::VaultKeys;
use super::pool_view::{PoolView, view, with_members};
use super::{Result, Vault, Work, trust};
use crate::domain::name::PoolName;
use crate::domain::pool::Pool;
use crate::store::connection::acquire;
use crate::store::{cluster, pools};

impl Vault {
    /// Reads a pool.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_pool(&self, name: &PoolName) -> Result<PoolView> {
        let mut conn = acquire(&self.pool).await?;
        let pool = read(&mut conn, &self.keys, name).await?;
        let now = cluster::now(&mut conn).await?;
        view(&mut conn, pool, now).await
    }
}

/// Reads a pool within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: &PoolName) -> Result<PoolView> {
    let pool = read(work.conn, work.keys, name).await?;
    view(work.conn, pool, work.now).await
}

/// The pool that a verb is about to change.
pub(super) async fn to_change(work: &mut Work<'_>, name: &PoolName) -> Result<Pool> {
    let stored = found(pools::find(work.conn, &name.0).await?, name)?;
    let pool = verified(work.keys, stored, name)?;
    let mut pools = with_members(work.conn, work.keys, vec![pool]).await?;
    found(pools.pop(), name)
}

/// A pool with its members.
pub(super) async fn read(
    conn: &mut PgConnection,
    keys: &VaultKeys,
    name: &PoolName,
) -> Result<Pool> {
    let stored = found(pools::find(conn, &name.0).await?, name)?;
    let distrust = trust::of_row(keys, &stored, &name.to_string());
    let mut pool = stored.resource;
    pool.meta.distrust = distrust;
    let mut pools = with_members(conn, keys, vec![pool]).await?;
    found(pools.pop(), name)
}
