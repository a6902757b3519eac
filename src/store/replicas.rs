//! Table `replicas`: which replicas run.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{as_millis, offset, timestamp};
use crate::domain::time::Timestamp;

/// A replica that has not been heard of for this long is not counted.
pub const LAPSE: Duration = Duration::from_secs(5);
/// The reports of a replica that has not been heard of for this long are taken up by others. It may have been stopped only: then it finds
/// that its blocks listen to it no more.
pub const GONE: Duration = Duration::from_secs(10);

/// What a heartbeat tells.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// The database's clock.
    pub now: Timestamp,
    /// The revision of configuration and health.
    pub rev: i64,
    /// Replicas that live.
    pub live: i64,
}

/// How a replica presents itself.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Where it listens.
    pub address: String,
    /// Its release.
    pub version: &'static str,
    /// The highest format that it reads.
    pub formats: i32,
    /// For how long it leases without the database.
    pub serves: Duration,
}

/// This replica lives, for the `beats`th time, and holds these master keys; and what it needs to know once a second. Whether that was lost tells whether other
/// writes were, so it is to be as durable as they are. One that was held up and comes late takes nothing back.
///
/// # Errors
/// As every query.
pub async fn beat(
    conn: &mut PgConnection,
    boot_id: Uuid,
    enrolment: &Enrolment,
    master_keys: &[String],
    beats: i64,
) -> Result<Pulse> {
    sqlx::query!(
        "insert into replicas (boot_id, address, version, formats, heartbeat_time, beats, master_keys, serves_ms)
        values ($1, $2, $3, $4, clock_timestamp(), $5, $6, $7)
        on conflict (boot_id) do update set heartbeat_time = clock_timestamp(), beats = greatest(replicas.beats, excluded.beats),
            master_keys = excluded.master_keys",
        boot_id,
        enrolment.address,
        enrolment.version,
        enrolment.formats,
        beats,
        master_keys,
        as_millis(Some(enrolment.serves))
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!(
        r#"select clock_timestamp() as "now!", rev,
            (select count(*) from replicas
            where heartbeat_time > clock_timestamp() - make_interval(secs => $1)) as "live!"
        from cluster"#,
        LAPSE.as_secs_f64()
    )
    .fetch_one(conn)
    .await?;
    Ok(Pulse {
        now: timestamp(row.now),
        rev: row.rev,
        live: row.live,
    })
}

/// How many replicas live.
///
/// # Errors
/// As every query.
pub async fn count_live(conn: &mut PgConnection) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from replicas
        where heartbeat_time > clock_timestamp() - make_interval(secs => $1)"#,
        LAPSE.as_secs_f64()
    )
    .fetch_one(conn)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How often each replica has been heard of.
///
/// # Errors
/// As every query.
pub async fn beats(conn: &mut PgConnection) -> Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!("select boot_id, beats from replicas")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.boot_id, row.beats))
        .collect())
}

/// The master keys of each replica that lives, by fingerprint, and where it listens.
///
/// # Errors
/// As every query.
pub async fn holding(conn: &mut PgConnection) -> Result<Vec<(String, Vec<String>)>> {
    let rows = sqlx::query!(
        "select address, master_keys from replicas
        where heartbeat_time > clock_timestamp() - make_interval(secs => $1) order by address, boot_id",
        LAPSE.as_secs_f64()
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows.into_iter().map(|row| (row.address, row.master_keys));
    Ok(pairs.collect())
}

/// The same of each replica that may lease still: those too that have not been heard of for a while and were not seen to leave.
///
/// # Errors
/// As every query.
pub async fn leasing(conn: &mut PgConnection) -> Result<Vec<(String, Vec<String>)>> {
    let rows = sqlx::query!(
        "select address, master_keys from replicas
        where heartbeat_time > clock_timestamp() - greatest(make_interval(secs => $1), coalesce(serves_ms, 3600000) * interval '1 ms')
        order by address, boot_id",
        LAPSE.as_secs_f64()
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows.into_iter().map(|row| (row.address, row.master_keys));
    Ok(pairs.collect())
}

/// Forgets replicas that were heard of before this last.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, before: Timestamp) -> Result<()> {
    sqlx::query!(
        "delete from replicas where heartbeat_time < $1",
        offset(before)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// This replica ends.
///
/// # Errors
/// As every query.
pub async fn leave(conn: &mut PgConnection, boot_id: Uuid) -> Result<()> {
    sqlx::query!("delete from replicas where boot_id = $1", boot_id)
        .execute(conn)
        .await?;
    Ok(())
}
