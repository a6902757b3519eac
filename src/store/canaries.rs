//! Table `canaries`: which replica may give the single lease that tries something that was dead.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::canary::{Right, Subject};
use crate::domain::time::Timestamp;

/// Rows that nobody has needed for so long are forgotten: longer than any lease lasts, also where the database's clock is set.
const FORGET: Duration = Duration::from_hours(24 * 40);

/// Locks the row of a subject, in statements of their own: what is read later is no older than the lock. Answers who holds the right.
///
/// # Errors
/// As every query.
pub async fn lock(conn: &mut PgConnection, subject: &Subject) -> Result<Option<Right>> {
    sqlx::query!(
        "insert into canaries (subject) values ($1) on conflict (subject) do nothing",
        subject.as_str()
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!(
        "select right_id, boot_id, since, until, last_low from canaries where subject = $1 for update",
        subject.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(Right {
            id: row.right_id?,
            boot_id: row.boot_id?,
            since: timestamp(row.since?),
            until: timestamp(row.until?),
            low: timestamp(row.last_low?),
        })
    }))
}

/// What the clock says, and when acknowledged writes were last found to have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Now.
    pub now: Timestamp,
    /// Never, if that is not known.
    pub lost: Option<Timestamp>,
}

/// Reads the clock; after [`lock`], so that it is no earlier than the lock.
///
/// # Errors
/// As every query.
pub async fn clock(conn: &mut PgConnection) -> Result<Clock> {
    let row = sqlx::query!(
        r#"select clock_timestamp() as "now!", (select max(seen_time) from incarnations where lossy) as lost"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Clock {
        now: timestamp(row.now),
        lost: row.lost.map(timestamp),
    })
}

/// Writes who holds the right. Answers whether that is written: the row may have been forgotten before it was locked.
///
/// # Errors
/// As every query.
pub async fn put(conn: &mut PgConnection, subject: &Subject, right: &Right) -> Result<bool> {
    let done = sqlx::query!(
        "update canaries set right_id = $2, boot_id = $3, since = $4, until = $5, last_low = $6 where subject = $1",
        subject.as_str(),
        right.id,
        right.boot_id,
        offset(right.since),
        offset(right.until),
        offset(right.low)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A right ends: nothing was given by it, or what was has been reported.
///
/// # Errors
/// As every query.
pub async fn end(conn: &mut PgConnection, subject: &Subject, right: Uuid) -> Result<()> {
    sqlx::query!(
        "update canaries set right_id = null, boot_id = null, since = null, until = null, last_low = null
        where subject = $1 and right_id = $2",
        subject.as_str(),
        right
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the canary of a subject decided is committed, whoever gave it.
///
/// # Errors
/// As every query.
pub async fn settled(conn: &mut PgConnection, subject: &Subject) -> Result<()> {
    sqlx::query!(
        "update canaries set right_id = null, boot_id = null, since = null, until = null, last_low = null where subject = $1",
        subject.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the canaries of a key's versions try is over, of one version where its number is given: whoever has one out.
///
/// # Errors
/// As every query.
pub async fn settle_versions(
    conn: &mut PgConnection,
    key_uid: Uuid,
    number: Option<u32>,
) -> Result<()> {
    sqlx::query!(
        "update canaries set right_id = null, boot_id = null, since = null, until = null, last_low = null
        where subject in (select 'version/' || uid from key_versions where key_uid = $1 and ($2::integer is null or number = $2))",
        key_uid,
        number.map(|number| i32::try_from(number).unwrap_or(0))
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same of the trials of all providers of this profile or host.
///
/// # Errors
/// As every query.
pub async fn settle_providers(conn: &mut PgConnection, profile_or_host: &str) -> Result<()> {
    sqlx::query!(
        "update canaries set right_id = null, boot_id = null, since = null, until = null, last_low = null
        where split_part(subject, '/', 1) = 'provider'
            and $1 in (split_part(subject, '/', 2), split_part(subject, '/', 3))",
        profile_or_host
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets subjects that nobody has tried for long.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "delete from canaries where right_id is null or until < clock_timestamp() - make_interval(secs => $1)",
        FORGET.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}
