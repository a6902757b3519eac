//! Table `incarnations`: the databases that limits were granted in. A new one means that acknowledged writes may be gone.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::ledger::loss::Loss;
use crate::domain::ledger::standing::{Sight, Standing};

/// What the database is, as far as one replica can tell, within the transaction that asks: a transaction stays on one server.
///
/// # Errors
/// When the database fails, as it does on a standby.
pub async fn look(conn: &mut PgConnection, boot_id: Uuid) -> Result<Standing> {
    let row = sqlx::query!(
        r#"select control.system_identifier::text as "system_id!",
             substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as "timeline!",
             pg_relation_filenode('limit_blocks'::regclass)::bigint as "filenode!",
             latest.number as "number?", latest.system_id as "known_system_id?", latest.timeline as "known_timeline?",
             latest.filenode as "known_filenode?",
             loss.number as "loss?", loss.replicas as "replicas?", loss.lag_ms as "lag_ms?",
             (select beats from replicas where boot_id = $1) as beats,
             (select 1000 * extract(epoch from clock_timestamp() - max(heartbeat_time)) from replicas)::bigint as silence_ms
           from pg_control_system() as control
             left join lateral (select number, system_id, timeline, filenode from incarnations order by number desc limit 1) as latest on true
             left join lateral (select number, replicas, lag_ms from incarnations where lossy order by number desc limit 1) as loss on true"#,
        boot_id
    )
    .fetch_one(conn)
    .await?;
    let known = row
        .known_system_id
        .zip(row.known_timeline)
        .zip(row.known_filenode);
    let lag = Duration::from_millis(row.lag_ms.unwrap_or(0).unsigned_abs());
    Ok(Standing {
        sight: Sight {
            system_id: row.system_id,
            timeline: row.timeline,
            filenode: row.filenode,
        },
        known: known.map(|((system_id, timeline), filenode)| Sight {
            system_id,
            timeline,
            filenode,
        }),
        number: row.number.unwrap_or(0),
        beats: row.beats,
        silence: row
            .silence_ms
            .map(|ms| Duration::from_millis(ms.max(0).unsigned_abs())),
        loss: Loss::over(
            row.loss.unwrap_or(0),
            row.replicas.unwrap_or(0).unsigned_abs(),
            lag,
        ),
    })
}

/// Keeps others from writing to the table until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("lock table incarnations in share row exclusive mode")
        .execute(conn)
        .await?;
    Ok(())
}

/// A new one is in force from now on.
#[derive(Debug, Clone)]
pub struct NewIncarnation<'a> {
    /// What was seen.
    pub sight: &'a Sight,
    /// Its number is at least this: limits have answered to smaller ones that a restored dump has forgotten.
    pub number_min: i64,
    /// Whether acknowledged writes may be gone.
    pub is_lossy: bool,
    /// How far back, at least. What the database itself has not heard of counts too.
    pub lag: Duration,
    /// How many replicas live, as far as is known outside of the database.
    pub live: u64,
}

/// Inserts one. Where some limit has not answered to the lossy one before, it answers to both at once, so their losses add up.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut PgConnection, new: &NewIncarnation<'_>) -> Result<()> {
    let lag_ms = i64::try_from(new.lag.as_millis()).unwrap_or(i64::MAX);
    let live = i64::try_from(new.live).unwrap_or(i64::MAX);
    sqlx::query!(
        "insert into incarnations (number, system_id, timeline, filenode, lossy, replicas, lag_ms) overriding system value
        select greatest($7::bigint, (select 1 + coalesce(max(number), 0) from incarnations)), $1, $2, $3, $4,
            greatest($6, max(unanswered.replicas), count(*) filter (where heartbeat_time > latest - interval '2 minutes')),
            least(9223372036854775807::numeric, coalesce(max(unanswered.lag_ms), 0)::numeric
                + greatest($5::bigint, coalesce(1000 * extract(epoch from clock_timestamp() - max(latest)), 0)::bigint))::bigint
        from replicas cross join (select max(heartbeat_time) as latest from replicas) as heard
            left join lateral (select replicas, lag_ms from incarnations i
                where lossy and exists (select from limit_ledgers l where l.incarnation < i.number)
                order by number desc limit 1) as unanswered on true",
        new.sight.system_id,
        new.sight.timeline,
        new.sight.filenode,
        new.is_lossy,
        lag_ms,
        live,
        new.number_min
    )
    .execute(conn)
    .await?;
    Ok(())
}
