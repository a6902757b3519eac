//! Times that were written while the database's clock was ahead, of a future that was taken back; and whether it is ahead now.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::rotation::GRACE_DEFAULT;
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::convert::{as_millis, offset};

/// Whether a version became current, or a rotation came to its step, later than so long from now: the last of each is looked at.
///
/// # Errors
/// As every query.
pub async fn is_any_beyond(conn: &mut PgConnection, ahead: Duration) -> Result<bool> {
    let is_any = sqlx::query_scalar!(
        r#"select coalesce(greatest((select max(step_time) from rotations),
                (select max(promote_time) from key_versions where stage = 'current'))
            > clock_timestamp() + make_interval(secs => $1), false) as "is_any!""#,
        ahead.as_secs_f64()
    )
    .fetch_one(conn)
    .await?;
    Ok(is_any)
}

/// Whether anything is stored that came to be later than so long from now: that [`is_any_beyond`] finds, the newest change on record, or a
/// replica's last heartbeat. The clock is behind then, or has been ahead.
///
/// # Errors
/// As every query.
pub async fn is_clock_behind(conn: &mut PgConnection, by: Duration) -> Result<bool> {
    let is_behind = sqlx::query_scalar!(
        r#"select coalesce(greatest((select record_time from audit_records order by sequence desc limit 1),
                (select max(heartbeat_time) from replicas)) > clock_timestamp() + make_interval(secs => $1), false) as "is_behind!""#,
        by.as_secs_f64()
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(is_behind || is_any_beyond(conn, by).await?)
}

/// Whether the newest change or lease on record is longer ago than this, or the last that was heard of another replica, which was killed
/// then. The clock is ahead, or nobody was there for a while. Whoever lives and has done so for `lived` knows better; a younger one may have
/// begun as this one does.
///
/// # Errors
/// As every query.
pub async fn is_clock_ahead(
    conn: &mut PgConnection,
    own: Uuid,
    by: Duration,
    lived: Duration,
) -> Result<bool> {
    let is_ahead = sqlx::query_scalar!(
        r#"select (exists (select from replicas where boot_id <> $1 and heartbeat_time < clock_timestamp() - make_interval(secs => $2))
                or coalesce(greatest((select record_time from audit_records order by sequence desc limit 1),
                    (select max(record_time) from lease_journal)) < clock_timestamp() - make_interval(secs => $2), false))
            and not exists (select from replicas where boot_id <> $1 and beats >= $3
                and heartbeat_time >= clock_timestamp() - make_interval(secs => $2)) as "is_ahead!""#,
        own,
        by.as_secs_f64(),
        // One a second.
        i64::try_from(lived.as_secs()).unwrap_or(i64::MAX)
    )
    .fetch_one(conn)
    .await?;
    Ok(is_ahead)
}

/// Whatever became current beyond this did so `now`. Answers how many versions.
///
/// # Errors
/// As every query.
pub async fn promote_now(
    conn: &mut PgConnection,
    beyond: Timestamp,
    (rev, now): (i64, Timestamp),
) -> Result<u64> {
    let done = sqlx::query!(
        "update key_versions set promote_time = $3, update_time = $3, rev = $2,
            stage_before = case when key_versions.xmin = pg_current_xact_id()::xid then key_versions.stage_before else key_versions.stage end
        where stage = 'current' and promote_time > $1",
        offset(beyond),
        rev,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whatever began to drain beyond this did so `now`: it is kept for its grace from then on, and no lease of it can be out for longer than
/// `longest`. Answers how many versions.
///
/// # Errors
/// As every query.
pub async fn drain_now(
    conn: &mut PgConnection,
    beyond: Timestamp,
    longest: Duration,
    (rev, now): (i64, Timestamp),
) -> Result<u64> {
    let done = sqlx::query!(
        "with begun as (
            select key_uid, from_number as number, coalesce(grace_ms, $5) * interval '1 ms' as grace
            from rotations where step = 'draining' and step_time > $1
            union all
            select key_uid, to_number, interval '0' from rotations where step = 'rolled_back' and step_time > $1
        )
        update key_versions v set rev = $2, update_time = $3, keep_until = least(v.keep_until, $3::timestamptz + b.grace),
            drain_until = least(v.drain_until, $3::timestamptz + greatest(b.grace, $4::bigint * interval '1 ms')),
            stage_before = case when v.xmin = pg_current_xact_id()::xid then v.stage_before else v.stage end
        from begun b where v.key_uid = b.key_uid and v.number = b.number and v.stage = 'previous'",
        offset(beyond),
        rev,
        offset(now),
        as_millis(Some(longest)),
        as_millis(Some(GRACE_DEFAULT))
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whatever rotation came to its step beyond this did so `now`.
///
/// # Errors
/// As every query.
pub async fn step_now(conn: &mut PgConnection, beyond: Timestamp, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "update rotations set step_time = $2, update_time = least(update_time, $2) where step_time > $1",
        offset(beyond),
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
