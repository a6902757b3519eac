//! Table `deletions`: what is gone, for replicas that read changes by revision.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;

/// Notes that a row of the table `kind` went with `rev`.
///
/// # Errors
/// As every query.
pub async fn insert(
    conn: &mut PgConnection,
    rev: i64,
    kind: &'static str,
    uid: Uuid,
) -> Result<()> {
    sqlx::query!(
        "insert into deletions (rev, kind, uid) values ($1, $2, $3) on conflict do nothing",
        rev,
        kind,
        uid
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets that a row was deleted, since it was revived: whoever reads changes and deletions together must find it there.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, kind: &'static str, uid: Uuid) -> Result<()> {
    sqlx::query!(
        "delete from deletions where kind = $1 and uid = $2",
        kind,
        uid
    )
    .execute(conn)
    .await?;
    Ok(())
}
