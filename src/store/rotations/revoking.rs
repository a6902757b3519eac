//! Rotations whose rotator has yet to revoke a secret at its provider, which that is, and whether the rotator is being asked.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Rotation, RotationRow};
use crate::domain::rotation::CLAIM_LASTS;
use crate::store::Result;

/// A rotation whose rotator has yet to revoke a secret at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The digest of the secret.
    pub fingerprint: Vec<u8>,
    /// The rotation's id.
    pub id: String,
    /// The key that had it.
    pub key_uid: Uuid,
    /// That key's id.
    pub key_id: String,
    /// Its account's.
    pub account_id: String,
    /// The rotator is being asked, or was, and may have done it.
    pub may_be_gone: bool,
}

impl Leaving {
    /// The rotation, by name.
    #[must_use]
    pub fn name(&self) -> String {
        let Self {
            account_id,
            key_id,
            id,
            ..
        } = self;
        format!("accounts/{account_id}/keys/{key_id}/rotations/{id}")
    }
}

/// The rotations of a key whose rotator has yet to revoke something at the provider, oldest first, locked until the transaction ends.
///
/// # Errors
/// As every query.
pub async fn unrevoked(conn: &mut PgConnection, key_uid: Uuid) -> Result<Vec<Rotation>> {
    let rows = sqlx::query_as!(
        RotationRow,
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test, grace_ms, step_time,
            attempts, next_attempt_time, why, is_held, is_automatic, epoch
        from rotations where key_uid = $1
            and (step = 'revoking' or (step in ('cancelled', 'rolled_back') and (is_held or next_attempt_time is not null)))
        order by to_number for update",
        key_uid
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The rotations of any key whose rotator has yet to revoke the secret of one of these digests at its provider, oldest first, locked until
/// the transaction ends: until then none is asked.
///
/// # Errors
/// As every query.
pub async fn leaving(conn: &mut PgConnection, fingerprints: &[Vec<u8>]) -> Result<Vec<Leaving>> {
    let rows = sqlx::query_as!(
        Leaving,
        r#"select r.fingerprint as "fingerprint!", r.id, r.key_uid, keys.id as key_id, accounts.id as account_id,
            r.revocation is not null as "may_be_gone!"
        from rotations r join keys on keys.uid = r.key_uid join accounts on accounts.uid = keys.account_uid
        where r.fingerprint is not null and r.fingerprint = any($1)
            and (r.step = 'revoking' or (r.step in ('cancelled', 'rolled_back') and (r.is_held or r.next_attempt_time is not null)))
        order by r.key_uid, r.to_number for update of r"#,
        fingerprints
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
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

/// The digest of the secret that a rotation's rotator is to have revoked, if it is known.
///
/// # Errors
/// As every query.
pub async fn secret_to_revoke(conn: &mut PgConnection, uid: Uuid) -> Result<Option<Vec<u8>>> {
    let fingerprint = sqlx::query_scalar!("select fingerprint from rotations where uid = $1", uid)
        .fetch_optional(conn)
        .await?;
    Ok(fingerprint.flatten())
}

/// What was known of a rotation when it was noted that its rotator is asked to revoke a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The digest of the secret, if it is known.
    pub fingerprint: Option<Vec<u8>>,
    /// It was asked before, and may have done it.
    pub is_unclear: bool,
}

/// Notes that the rotator is asked from now on to revoke the secret; whoever asks has a whole turn for that. The rotation is locked.
///
/// # Errors
/// As every query.
pub async fn ask(conn: &mut PgConnection, uid: Uuid) -> Result<Asked> {
    let asked = sqlx::query_as!(
        Asked,
        r#"update rotations r set revocation = 'asked', next_attempt_time = clock_timestamp() + make_interval(secs => $2)
        from (select uid, revocation is not null as is_unclear from rotations where uid = $1) before
        where r.uid = before.uid returning r.fingerprint, before.is_unclear as "is_unclear!""#,
        uid,
        CLAIM_LASTS.as_secs_f64()
    )
    .fetch_one(conn)
    .await?;
    Ok(asked)
}

/// Notes that the rotator has not revoked the secret, or that this is not clear, by whoever has the step still.
///
/// # Errors
/// As every query.
pub async fn answered(
    conn: &mut PgConnection,
    (uid, epoch): (Uuid, i64),
    is_unclear: bool,
) -> Result<()> {
    sqlx::query!(
        "update rotations set revocation = case when $3 then 'unclear' end where uid = $1 and epoch = $2",
        uid,
        epoch,
        is_unclear
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a replica may have a request under way that revokes a rotation's secret: it has noted that it asks, and its turn is not over. The
/// rotation is locked until the transaction ends.
///
/// # Errors
/// As every query.
pub async fn is_being_asked(conn: &mut PgConnection, uid: Uuid) -> Result<bool> {
    let is_asked = sqlx::query_scalar!(
        r#"select coalesce(revocation = 'asked' and not is_held and next_attempt_time between clock_timestamp()
            and clock_timestamp() + make_interval(secs => $2), false) as "is_asked!"
        from rotations where uid = $1 for update"#,
        uid,
        CLAIM_LASTS.as_secs_f64()
    )
    .fetch_optional(conn)
    .await?;
    Ok(is_asked.unwrap_or(false))
}
