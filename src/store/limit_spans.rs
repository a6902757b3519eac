//! Charges of limits that count over another span from now on, in table `limit_blocks`. Whoever writes here holds the lock of the limit's
//! row in `limit_ledgers`.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::offset;
use crate::domain::time::Timestamp;

/// What is charged to a limit beyond its lower clock stays so until then, at least.
///
/// # Errors
/// When the database fails.
pub async fn outlast(
    conn: &mut PgConnection,
    limit: Uuid,
    low: Timestamp,
    end: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update limit_blocks set charge_until = greatest(charge_until, $3) where limit_uid = $1 and charge_until > $2",
        limit,
        offset(low),
        offset(end)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is charged to a limit beyond its lower clock stays so for longer.
///
/// # Errors
/// When the database fails.
pub async fn prolong(
    conn: &mut PgConnection,
    limit: Uuid,
    low: Timestamp,
    longer: Duration,
) -> Result<()> {
    sqlx::query!(
        "update limit_blocks set charge_until = charge_until + make_interval(secs => $3) where limit_uid = $1 and charge_until > $2",
        limit,
        offset(low),
        longer.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}
