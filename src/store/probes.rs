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

/// A version that a replica may probe now, and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// The version.
    pub version_uid: Uuid,
    /// Somebody suspects it.
    pub is_urgent: bool,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// What was claimed.
    pub claimed: Claimed,
    /// When it is due again, if anybody wants it to be.
    pub next: Option<Timestamp>,
    /// What was found, if it was probed.
    pub last: Option<Last>,
}

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

/// Takes what is due and nobody else has taken: what is suspected first, then the longest due. A claim ends by itself after `lasts`.
///
/// # Errors
/// As every query.
pub async fn claim(
    conn: &mut PgConnection,
    boot_id: Uuid,
    rows_max: i64,
    lasts: Duration,
) -> Result<Vec<Claimed>> {
    let rows = sqlx::query_as!(
        Claimed,
        "with urgent as (
            select version_uid from probes
            where is_urgent and next_time <= now() and (claimed_until is null or claimed_until <= now())
            order by next_time limit $2 for update skip locked),
        due as (
            select version_uid from probes
            where not is_urgent and next_time <= now() and (claimed_until is null or claimed_until <= now())
            order by next_time limit $2 - (select count(*) from urgent) for update skip locked)
        update probes set claimed_by = $1, claimed_until = clock_timestamp() + make_interval(secs => $3)
        where version_uid in (select version_uid from urgent union all select version_uid from due)
        returning version_uid, is_urgent",
        boot_id,
        rows_max,
        lasts.as_secs_f64()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether a claim still holds, and goes on to for `lasts`: asked before its news is acted on, since a replica may have slept.
///
/// # Errors
/// As every query.
pub async fn still_claimed(
    conn: &mut PgConnection,
    boot_id: Uuid,
    version: Uuid,
    lasts: Duration,
) -> Result<bool> {
    let done = sqlx::query!(
        "update probes set claimed_until = clock_timestamp() + make_interval(secs => $3)
        where version_uid = $2 and claimed_by = $1 and claimed_until > clock_timestamp()",
        boot_id,
        version,
        lasts.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends claims that still hold. What was suspected since it was claimed stays urgent: that probe may have come too early.
///
/// # Errors
/// As every query.
pub async fn finish(conn: &mut PgConnection, boot_id: Uuid, done: &[Finished]) -> Result<()> {
    let uids: Vec<Uuid> = done.iter().map(|d| d.claimed.version_uid).collect();
    let urgent: Vec<bool> = done.iter().map(|d| d.claimed.is_urgent).collect();
    let next: Vec<Option<OffsetDateTime>> = done.iter().map(|d| d.next.map(offset)).collect();
    let of = |last: fn(&Last) -> String| {
        let of = done.iter().map(move |d| d.last.as_ref().map(last));
        of.collect::<Vec<Option<String>>>()
    };
    let results = of(|last| last.result.as_str().to_owned());
    let whys = of(|last| last.why.clone());
    let times = done.iter().map(|d| d.last.as_ref());
    let times: Vec<Option<OffsetDateTime>> = times.map(|l| l.map(|l| offset(l.time))).collect();
    let took = done.iter().map(|d| d.last.as_ref());
    let took: Vec<Option<i64>> = took.map(|l| l.map(|l| millis(l.took))).collect();
    sqlx::query!(
        "update probes set claimed_by = null, claimed_until = null, is_urgent = probes.is_urgent and not d.was_urgent,
            next_time = case when probes.is_urgent and not d.was_urgent then least(probes.next_time, d.next_time) else d.next_time end,
            last_time = coalesce(d.last_time, probes.last_time), last_result = coalesce(d.last_result, probes.last_result),
            last_why = coalesce(d.last_why, probes.last_why), last_took_ms = coalesce(d.last_took_ms, probes.last_took_ms)
        from unnest($2::uuid[], $3::boolean[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::bigint[])
            as d (uid, was_urgent, next_time, last_time, last_result, last_why, last_took_ms)
        where probes.version_uid = d.uid and probes.claimed_by = $1 and probes.claimed_until > clock_timestamp()",
        boot_id,
        &uids,
        &urgent,
        &next as &[Option<OffsetDateTime>],
        &times as &[Option<OffsetDateTime>],
        &results as &[Option<String>],
        &whys as &[Option<String>],
        &took as &[Option<i64>]
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

/// A replica that ends gives back what it has claimed.
///
/// # Errors
/// As every query.
pub async fn release(conn: &mut PgConnection, boot_id: Uuid) -> Result<()> {
    sqlx::query!(
        "update probes set claimed_by = null, claimed_until = null where claimed_by = $1",
        boot_id
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
