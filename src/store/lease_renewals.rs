//! Table `lease_renewals`: leases that go on beyond what their ids say.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, timestamp};
use crate::domain::time::Timestamp;

/// A lease may be reported until then. An earlier end than is known changes nothing.
///
/// # Errors
/// As every query.
pub async fn extend(
    conn: &mut PgConnection,
    issuer: Uuid,
    serial: u64,
    until: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into lease_renewals (issuer, serial, until) values ($1, $2, $3)
        on conflict (issuer, serial) do update set until = greatest(lease_renewals.until, excluded.until)",
        issuer,
        signed(serial),
        offset(until)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Until when a lease may be reported, if it was renewed.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection, issuer: Uuid, serial: u64) -> Result<Option<Timestamp>> {
    let until = sqlx::query_scalar!(
        "select until from lease_renewals where issuer = $1 and serial = $2",
        issuer,
        signed(serial)
    )
    .fetch_optional(conn)
    .await?;
    Ok(until.map(timestamp))
}

/// Forgets those that ended so long ago.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, age: Duration) -> Result<()> {
    let seconds = age.as_secs_f64();
    sqlx::query!(
        "delete from lease_renewals where until < clock_timestamp() - make_interval(secs => $1)",
        seconds
    )
    .execute(conn)
    .await?;
    Ok(())
}
