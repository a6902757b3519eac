//! What is written to `rotations`.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Rotation, RotationRow, due};
use crate::store::Result;
use crate::store::convert::{as_millis, offset};

/// Inserts a rotation.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, rotation: &Rotation) -> Result<()> {
    let number = |number| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into rotations (uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test,
            grace_ms, step_time, attempts, next_attempt_time, why, is_held, is_automatic, epoch)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        rotation.uid,
        rotation.key_uid,
        rotation.id.as_str(),
        rotation.step.as_str(),
        rotation.from_number.map(number),
        number(rotation.to_number),
        rotation.reason,
        offset(rotation.create_time),
        offset(rotation.update_time),
        rotation.origin.as_str(),
        rotation.skips_test,
        as_millis(Some(rotation.grace)),
        offset(rotation.step_time),
        number(rotation.attempts),
        due(rotation.next_attempt),
        rotation.why,
        rotation.is_held,
        rotation.is_automatic,
        rotation.epoch
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes where a rotation stands. Whoever has taken its next step before has it no more. Where nothing more is to be done, nothing is known
/// any more of the secret that was to be revoked, nor of who was asked.
///
/// # Errors
/// As every query.
pub async fn update(conn: &mut PgConnection, rotation: &Rotation) -> Result<()> {
    let number = |number| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "update rotations set step = $2, from_number = $3, update_time = $4, skips_test = $5, step_time = $6, attempts = $7,
            next_attempt_time = $8, why = $9, is_held = $10, is_automatic = $11, epoch = epoch + 1,
            fingerprint = case when $8::timestamptz is null and not $10 then null else fingerprint end,
            revocation = case when $8::timestamptz is null and not $10 then null else revocation end
        where uid = $1",
        rotation.uid,
        rotation.step.as_str(),
        rotation.from_number.map(number),
        offset(rotation.update_time),
        rotation.skips_test,
        offset(rotation.step_time),
        number(rotation.attempts),
        due(rotation.next_attempt),
        rotation.why,
        rotation.is_held,
        rotation.is_automatic
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The rotations that wait for leases of this version to end, which is the previous one or, where they were undone, the new one; locked
/// until the transaction ends.
///
/// # Errors
/// As every query.
pub async fn of_drained(
    conn: &mut PgConnection,
    key_uid: Uuid,
    number: i32,
) -> Result<Vec<Rotation>> {
    let rows = sqlx::query_as!(
        RotationRow,
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test, grace_ms, step_time,
            attempts, next_attempt_time, why, is_held, is_automatic, epoch
        from rotations where key_uid = $1 and ((from_number = $2 and step = 'draining') or (to_number = $2 and step = 'rolled_back')) for update",
        key_uid,
        number
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
