//! Rotations whose rotator has yet to revoke a secret at its provider, and which that is.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Rotation, RotationRow};
use crate::store::Result;

/// The rotations of a key whose rotator has yet to revoke something at the provider, oldest first, locked until the transaction ends: all, or
/// where it is the secret of this digest.
///
/// # Errors
/// As every query.
pub async fn unrevoked(
    conn: &mut PgConnection,
    key_uid: Uuid,
    fingerprint: Option<&[u8]>,
) -> Result<Vec<Rotation>> {
    let rows = sqlx::query_as!(
        RotationRow,
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test, grace_ms, step_time,
            attempts, next_attempt_time, why, is_held, is_automatic, epoch
        from rotations where key_uid = $1 and ($2::bytea is null or fingerprint = $2)
            and (step = 'revoking' or (step in ('cancelled', 'rolled_back') and (is_held or next_attempt_time is not null)))
        order by to_number for update",
        key_uid,
        fingerprint
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Notes the digest of the secret that a rotation's rotator is to have revoked.
///
/// # Errors
/// As every query.
pub async fn note_secret(conn: &mut PgConnection, uid: Uuid, fingerprint: &[u8]) -> Result<()> {
    sqlx::query!(
        "update rotations set fingerprint = $2 where uid = $1",
        uid,
        fingerprint
    )
    .execute(conn)
    .await?;
    Ok(())
}
