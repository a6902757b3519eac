//! What is written to `key_versions`: new versions, their stages, and verdicts on their health.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::Result;
use super::super::convert::offset;
use crate::domain::health::Health;
use crate::domain::key::KeyVersion;
use crate::domain::time::Timestamp;

/// Inserts a version.
///
/// # Errors
/// [`Error::Unique`](crate::store::Error::Unique) if the key has a current version already; else as every query.
pub async fn insert(conn: &mut PgConnection, version: &KeyVersion) -> Result<()> {
    sqlx::query!(
        "insert into key_versions (uid, rev, key_uid, number, stage, create_time, update_time, promote_time, sealed_hosts)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        version.meta.uid,
        version.meta.rev,
        version.key_uid,
        i32::try_from(version.number).unwrap_or(i32::MAX),
        version.stage.as_str(),
        offset(version.meta.create_time),
        offset(version.meta.update_time),
        version.promote_time.map(offset),
        &version.sealed_hosts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the stage of a version, with the times that belong to it, and its hosts.
///
/// # Errors
/// As every query.
pub async fn update(conn: &mut PgConnection, version: &KeyVersion) -> Result<()> {
    sqlx::query!(
        "update key_versions set rev = $2, update_time = $3, stage = $4, promote_time = $5, revoke_time = $6, drain_until = $7,
            sealed_hosts = $8
        where uid = $1",
        version.meta.uid,
        version.meta.rev,
        offset(version.meta.update_time),
        version.stage.as_str(),
        version.promote_time.map(offset),
        version.revoke_time.map(offset),
        version.drain_until.map(offset),
        &version.sealed_hosts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Revokes a previous version. Answers whether it was one.
///
/// # Errors
/// As every query.
pub async fn revoke(conn: &mut PgConnection, uid: Uuid, rev: i64, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "update key_versions set rev = $2, update_time = $3, revoke_time = $3, drain_until = null, stage = 'revoked'
        where uid = $1 and stage = 'previous'",
        uid,
        rev,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Makes the versions of a key active that are not revoked: all, or the one of this number. Answers how many were not.
///
/// # Errors
/// As every query.
pub async fn clear_health(
    conn: &mut PgConnection,
    key_uid: Uuid,
    number: Option<u32>,
    (rev, now): (i64, Timestamp),
) -> Result<i64> {
    let cleared = sqlx::query_scalar!(
        r#"with before as (
            select uid, health from key_versions
            where key_uid = $1 and ($2::integer is null or number = $2) and stage <> 'revoked'
        ), cleared as (
            update key_versions set rev = $3, update_time = $4, health = 'active', health_until = null, health_why = null,
                health_class = null
            where uid in (select uid from before)
        )
        select count(*) as "count!" from before where health <> 'active'"#,
        key_uid,
        number.map(|number| i32::try_from(number).unwrap_or(0)),
        rev,
        offset(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(cleared)
}

/// Versions that were rejected since then, by their uid or that of their account, are given back to their canaries at `until`: a burst
/// says little of any of them. What died before stays dead. Answers how many.
///
/// # Errors
/// As every query.
pub async fn give_back(
    conn: &mut PgConnection,
    subjects: &[Uuid],
    rev: i64,
    since: Timestamp,
    until: Timestamp,
) -> Result<u64> {
    let done = sqlx::query!(
        "update key_versions v set rev = $2, health_until = $4 from keys k
        where k.uid = v.key_uid and (v.uid = any($1) or k.account_uid = any($1))
            and v.health = 'dead' and v.health_class = 'credential' and v.update_time >= $3 and v.health_until > $4",
        subjects,
        rev,
        offset(since),
        offset(until)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A dead version has served its time: the next lease of it is its canary. Answers whether it was dead, and not yet so far.
///
/// # Errors
/// As every query.
pub async fn revive(conn: &mut PgConnection, uid: Uuid, rev: i64, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "update key_versions set rev = $2, update_time = $3, health_until = $3
        where uid = $1 and stage <> 'revoked' and health = 'dead' and health_until > $3",
        uid,
        rev,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A verdict on a version that is not revoked. A worse or longer one that is there already stands; a version is well again only when
/// its blacklist has ended. Answers whether it was taken.
///
/// # Errors
/// As every query.
pub async fn judge(
    conn: &mut PgConnection,
    uid: Uuid,
    rev: i64,
    health: &Health,
    now: Timestamp,
) -> Result<bool> {
    let cause = health.cause();
    let done = sqlx::query!(
        "update key_versions set rev = $2, update_time = $3, health = $4, health_until = $5, health_why = $6, health_class = $7
        where uid = $1 and stage <> 'revoked' and case $4
            when 'active' then health = 'active' or health_until <= $3
            when 'dead' then health <> 'dead' or health_until < $5
            else health = 'active' or health_until <= $3 or (health = 'cooling' and health_until < $5) end",
        uid,
        rev,
        offset(now),
        health.as_str(),
        cause.map(|cause| offset(cause.until)),
        cause.map(|cause| cause.why.as_str()),
        cause.map(|cause| cause.class.as_str())
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
