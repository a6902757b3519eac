//! Table `pool_members`: what pools lease from.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;

/// The ids of the pools that name this account or key, in order; at most ten, enough for a message.
///
/// # Errors
/// As every query.
pub async fn pools_naming(conn: &mut PgConnection, target_uid: Uuid) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        "select pools.id from pool_members join pools on pools.uid = pool_members.pool_uid
        where pool_members.target_uid = $1 order by pools.id limit 10",
        target_uid
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
