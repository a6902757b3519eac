//! What providers call the secrets of versions.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::rotator::Reference;
use crate::store::{Result, Stored};

/// Notes what the provider calls the secret of a version.
///
/// # Errors
/// As every query.
pub async fn refer(conn: &mut PgConnection, reference: &Reference, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into provider_references (version_uid, reference, mac) values ($1, $2, $3)",
        reference.version_uid,
        reference.reference,
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the provider calls the secret of one version is the name of another's from now on, under its MAC; the first keeps an empty one, under
/// its own, which says so.
///
/// # Errors
/// As every query.
pub async fn hand_on(
    conn: &mut PgConnection,
    (from, mac_of_none): (Uuid, &[u8]),
    to: &Reference,
    mac: &[u8],
) -> Result<()> {
    sqlx::query!(
        "update provider_references set reference = '', mac = $2 where version_uid = $1",
        from,
        mac_of_none
    )
    .execute(&mut *conn)
    .await?;
    refer(conn, to, mac).await
}

/// Whether a version of the same account that is not revoked, other than this one, is known to the provider by this name.
///
/// # Errors
/// As every query.
pub async fn is_in_use(conn: &mut PgConnection, version: Uuid, reference: &str) -> Result<bool> {
    let is_in_use = sqlx::query_scalar!(
        r#"select exists (select from provider_references p join key_versions v on v.uid = p.version_uid join keys k on k.uid = v.key_uid
            where p.reference = $2 and v.uid <> $1 and v.stage <> 'revoked' and k.account_uid = (
                select o.account_uid from key_versions t join keys o on o.uid = t.key_uid where t.uid = $1)) as "is_in_use!""#,
        version,
        reference
    )
    .fetch_one(conn)
    .await?;
    Ok(is_in_use)
}

/// Forgets what the provider calls the secrets of a key. Answers how many had a name there.
///
/// # Errors
/// As every query.
pub async fn forget_references(conn: &mut PgConnection, key_uid: Uuid) -> Result<u64> {
    let forgotten = sqlx::query!(
        "delete from provider_references where version_uid in (select uid from key_versions where key_uid = $1)",
        key_uid
    )
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}

/// What the provider calls the secret of a version, where a rotator said so.
///
/// # Errors
/// As every query.
pub async fn reference(
    conn: &mut PgConnection,
    version_uid: Uuid,
) -> Result<Option<Stored<Reference>>> {
    let row = sqlx::query!(
        "select reference, mac from provider_references where version_uid = $1",
        version_uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Stored {
        resource: Reference {
            version_uid,
            reference: row.reference,
        },
        mac: row.mac,
    }))
}

/// What providers call secrets, of the versions after this one: at most so many.
///
/// # Errors
/// As every query.
pub async fn references_after(
    conn: &mut PgConnection,
    after: Uuid,
    rows_max: i64,
) -> Result<Vec<Stored<Reference>>> {
    let rows = sqlx::query!(
        "select version_uid, reference, mac from provider_references where version_uid > $1 order by version_uid limit $2",
        after,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| Stored {
        resource: Reference {
            version_uid: row.version_uid,
            reference: row.reference,
        },
        mac: row.mac,
    });
    Ok(rows.collect())
}
