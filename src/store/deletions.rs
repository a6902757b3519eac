//! Table `deletions`: what is gone, for replicas that read changes by revision, and for the audit.

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

/// Notes that the versions of a key went with `rev`, with it. Replicas have no need of that; the audit has.
///
/// # Errors
/// As every query.
pub async fn insert_versions(conn: &mut PgConnection, rev: i64, key_uid: Uuid) -> Result<()> {
    sqlx::query!(
        "insert into deletions (rev, kind, uid) select $1, 'key_versions', uid from key_versions where key_uid = $2",
        rev,
        key_uid
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
