//! What is written to `key_versions`: new versions, their stages, and verdicts on their health.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::Result;
use super::super::convert::{offset, timestamp};
use super::HealthColumns;
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
            sealed_hosts = $8,
            stage_before = case when key_versions.xmin = pg_current_xact_id()::xid then key_versions.stage_before else key_versions.stage end
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

/// A version is kept until then, however soon its leases have ended.
///
/// # Errors
/// As every query.
pub async fn keep(conn: &mut PgConnection, uid: Uuid, until: Timestamp) -> Result<()> {
    sqlx::query!(
        "update key_versions set keep_until = $2 where uid = $1",
        uid,
        offset(until)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Revokes a previous version.
///
/// # Errors
/// As every query.
pub async fn revoke(conn: &mut PgConnection, uid: Uuid, rev: i64, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update key_versions set rev = $2, update_time = $3, revoke_time = $3, drain_until = null, stage = 'revoked',
            stage_before = case when key_versions.xmin = pg_current_xact_id()::xid then key_versions.stage_before else key_versions.stage end
        where uid = $1 and stage = 'previous'",
        uid,
        rev,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the versions of a key active that are not revoked: all, or the one of this number, by the word of `who`, who said why or nothing.
/// Answers how many were not.
///
/// # Errors
/// As every query.
pub async fn clear_health(
    conn: &mut PgConnection,
    key_uid: Uuid,
    number: Option<u32>,
    (who, why): (&str, &str),
    (rev, now): (i64, Timestamp),
) -> Result<i64> {
    let cleared = sqlx::query_scalar!(
        r#"with before as (
            select uid, health from key_versions
            where key_uid = $1 and ($2::integer is null or number = $2) and stage <> 'revoked' for update
        ), cleared as (
            update key_versions set rev = $3, update_time = $4, health = 'active', health_until = null, health_why = null,
                health_class = null, health_accuser = null, health_tried_time = null, recover_time = null,
                stage_before = case when key_versions.xmin = pg_current_xact_id()::xid then key_versions.stage_before else key_versions.stage end
            where uid in (select uid from before)
        ), changed as (
            insert into health_changes (version_uid, change_time, from_health, to_health, why, who)
            select uid, $4, health, 'active', nullif($6, ''), $5 from before where health <> 'active'
        )
        select count(*) as "count!" from before where health <> 'active'"#,
        key_uid,
        number.map(|number| i32::try_from(number).unwrap_or(0)),
        rev,
        offset(now),
        who,
        why
    )
    .fetch_one(conn)
    .await?;
    Ok(cleared)
}

/// Versions that were rejected since then, by their uid or that of their account, are given back to their canaries at `until`, by the word
/// of `who`: a burst says little of any of them. What died before stays dead. Answers which.
///
/// # Errors
/// As every query.
pub async fn give_back(
    conn: &mut PgConnection,
    subjects: &[Uuid],
    who: &str,
    (since, until): (Timestamp, Timestamp),
    (rev, now): (i64, Timestamp),
) -> Result<Vec<Uuid>> {
    let given = sqlx::query_scalar!(
        "with given as (
            update key_versions v set rev = $2, health_until = $4, stage_before = case when v.xmin = pg_current_xact_id()::xid then v.stage_before else v.stage end
            from keys k
            where k.uid = v.key_uid and (v.uid = any($1) or k.account_uid = any($1))
                and v.health = 'dead' and v.health_class = 'credential' and v.update_time >= $3 and v.health_until > $4
            returning v.uid, v.health_why, v.health_class, v.health_accuser
        )
        insert into health_changes (version_uid, change_time, from_health, to_health, until, why, class, accuser, who)
        select uid, $5, 'dead', 'dead', $4, health_why, health_class, health_accuser, $6 from given
        returning version_uid",
        subjects,
        rev,
        offset(since),
        offset(until),
        offset(now),
        who
    )
    .fetch_all(conn)
    .await?;
    Ok(given)
}

/// How a version is, and when it became well after having been dead, locked until the transaction ends; `None` if it is revoked or gone.
///
/// # Errors
/// As every query.
pub async fn lock_health(
    conn: &mut PgConnection,
    uid: Uuid,
) -> Result<Option<(Health, Option<Timestamp>)>> {
    let row = sqlx::query!(
        "select health, health_until, health_why, health_class, health_accuser, health_tried_time, recover_time from key_versions
        where uid = $1 and stage <> 'revoked' for update",
        uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        let columns = HealthColumns {
            state: &row.health,
            until: row.health_until,
            why: row.health_why.as_deref(),
            class: row.health_class.as_deref(),
            accuser: row.health_accuser,
            tried: row.health_tried_time,
        };
        Some((columns.parsed()?, row.recover_time.map(timestamp)))
    }))
}

/// A version is like this from `now` on. One that was dead, and is well, has recovered then, and its share grows.
///
/// # Errors
/// As every query.
pub async fn set_health(
    conn: &mut PgConnection,
    uid: Uuid,
    rev: i64,
    (health, recovered): (&Health, Option<Timestamp>),
    now: Timestamp,
) -> Result<()> {
    let cause = health.cause();
    sqlx::query!(
        "update key_versions set rev = $2, update_time = $3, health = $4, health_until = $5, health_why = $6, health_class = $7,
            health_accuser = $8, recover_time = $9, health_tried_time = $10,
            stage_before = case when key_versions.xmin = pg_current_xact_id()::xid then key_versions.stage_before else key_versions.stage end
        where uid = $1",
        uid,
        rev,
        offset(now),
        health.as_str(),
        cause.map(|cause| offset(cause.until)),
        cause.map(|cause| cause.why.as_str()),
        cause.map(|cause| cause.class.as_str()),
        cause.and_then(|cause| cause.accuser),
        recovered.map(offset),
        cause.and_then(|cause| cause.tried).map(offset)
    )
    .execute(conn)
    .await?;
    Ok(())
}
