//! Table `probes`: which versions are to be probed when, and what came of it. Times are the database's.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::probe::ProbeResult;
use crate::domain::time::Timestamp;

mod claims;

pub use claims::{Claimed, Finished, claim, finish, release, still_claimed};

/// A probe that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// When.
    pub time: Timestamp,
    /// What it said.
    pub result: ProbeResult,
    /// Why, in our words.
    pub why: String,
    /// How long the answer took.
    pub took: Duration,
}

/// What is known of the probes of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRow {
    /// When it is due, if a pool wants it probed.
    pub next: Option<Timestamp>,
    /// The last one.
    pub last: Option<Last>,
}

/// These versions are to be probed at these times, or before.
///
/// # Errors
/// As every query.
pub async fn schedule(
    conn: &mut PgConnection,
    versions: &[Uuid],
    times: &[Timestamp],
) -> Result<()> {
    let times: Vec<OffsetDateTime> = times.iter().map(|time| offset(*time)).collect();
    sqlx::query!(
        "insert into probes (version_uid, next_time)
        select v.uid, wanted.next_time
        from unnest($1::uuid[], $2::timestamptz[]) as wanted (uid, next_time)
        join key_versions v on v.uid = wanted.uid and v.stage <> 'revoked' order by v.uid
        on conflict (version_uid) do update set next_time = excluded.next_time
            where probes.next_time is null or probes.next_time > excluded.next_time",
        versions,
        &times
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These versions are suspected: probed before all others, and at once unless that was done less than `gap` ago.
///
/// # Errors
/// As every query.
pub async fn hasten(conn: &mut PgConnection, versions: &[Uuid], gap: Duration) -> Result<()> {
    sqlx::query!(
        "insert into probes (version_uid, next_time, is_urgent)
        select uid, clock_timestamp(), true from key_versions where uid = any($1) and stage <> 'revoked' order by uid
        on conflict (version_uid) do update set is_urgent = true, next_time = least(probes.next_time,
            greatest(clock_timestamp(), probes.last_time + make_interval(secs => $2)))",
        versions,
        gap.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes a probe that a person asked for, whoever has claimed the next one.
///
/// # Errors
/// As every query.
pub async fn note(conn: &mut PgConnection, version: Uuid, last: &Last) -> Result<()> {
    sqlx::query!(
        "insert into probes (version_uid, last_time, last_result, last_why, last_took_ms)
        select uid, $2, $3, $4, $5 from key_versions where uid = $1
        on conflict (version_uid) do update set last_time = excluded.last_time, last_result = excluded.last_result,
            last_why = excluded.last_why, last_took_ms = excluded.last_took_ms",
        version,
        offset(last.time),
        last.result.as_str(),
        last.why,
        millis(last.took)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These versions are not to be probed any more.
///
/// # Errors
/// As every query.
pub async fn unschedule(conn: &mut PgConnection, versions: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "update probes set next_time = null, is_urgent = false where version_uid = any($1)",
        versions
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of the probes of these versions.
///
/// # Errors
/// As every query.
pub async fn of_versions(
    conn: &mut PgConnection,
    versions: &[Uuid],
) -> Result<HashMap<Uuid, ProbeRow>> {
    let rows = sqlx::query!(
        "select version_uid, next_time, last_time, last_result, last_why, last_took_ms from probes where version_uid = any($1)",
        versions
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let last = row.last_time.map(|time| Last {
            time: timestamp(time),
            result: ProbeResult::from_stored(row.last_result.as_deref().unwrap_or_default()),
            why: row.last_why.unwrap_or_default(),
            took: Duration::from_millis(row.last_took_ms.unwrap_or(0).unsigned_abs()),
        });
        let next = row.next_time.map(timestamp);
        (row.version_uid, ProbeRow { next, last })
    });
    Ok(rows.collect())
}

fn millis(took: Duration) -> i64 {
    i64::try_from(took.as_millis()).unwrap_or(i64::MAX)
}
