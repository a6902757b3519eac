//! Table `replicas`: which replicas run.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::timestamp;
use crate::domain::time::Timestamp;

/// A replica that has not been heard of for this long is not counted.
pub const LAPSE: Duration = Duration::from_secs(5);
/// A replica that has not been heard of for this long is forgotten.
const FORGET: Duration = Duration::from_hours(1);

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

/// This replica began.
///
/// # Errors
/// As every query.
pub async fn register(
    conn: &mut PgConnection,
    boot_id: Uuid,
    address: &str,
    version: &str,
    formats: i32,
) -> Result<()> {
    sqlx::query!(
        "insert into replicas (boot_id, address, version, formats) values ($1, $2, $3, $4)",
        boot_id,
        address,
        version,
        formats
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from replicas where heartbeat_time < clock_timestamp() - make_interval(secs => $1)",
        FORGET.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// This replica lives; and what it needs to know once a second. A heartbeat that is lost is no loss, so it need not be durable.
///
/// # Errors
/// As every query.
pub async fn beat(conn: &mut PgConnection, boot_id: Uuid) -> Result<Pulse> {
    sqlx::query!(
        "update replicas set heartbeat_time = clock_timestamp() where boot_id = $1",
        boot_id
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
