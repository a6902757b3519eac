//! The newest version of every key.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::Result;

/// The highest number of a version of each key, revoked ones included.
///
/// # Errors
/// As every query.
pub async fn newest_of_all(conn: &mut PgConnection) -> Result<BTreeMap<Uuid, u32>> {
    let rows = sqlx::query!(
        r#"select key_uid, max(number) as "newest!" from key_versions group by key_uid"#
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows.into_iter();
    Ok(pairs
        .map(|row| (row.key_uid, u32::try_from(row.newest).unwrap_or(0)))
        .collect())
}
