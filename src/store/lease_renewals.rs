//! Table `lease_renewals`: leases that go on beyond what their ids say.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, timestamp};
use crate::domain::time::Timestamp;

/// A lease may be reported until then, and the version it is of is kept for it. An earlier end than is known changes nothing.
///
/// # Errors
/// As every query.
pub async fn extend(
    conn: &mut PgConnection,
    (issuer, serial): (Uuid, u64),
    version_uid: Uuid,
    until: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into lease_renewals (issuer, serial, until, version_uid) values ($1, $2, $3, $4)
        on conflict (issuer, serial) do update set until = greatest(lease_renewals.until, excluded.until), version_uid = excluded.version_uid",
        issuer,
        signed(serial),
        offset(until),
        version_uid
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Renewed leases of a replica that previous versions are kept for whose grace is over, by number, and until when they go on; those that end
/// first come first.
///
/// # Errors
/// As every query.
pub async fn holding(
    conn: &mut PgConnection,
    issuer: Uuid,
    rows_max: i64,
) -> Result<Vec<(u64, Timestamp)>> {
    let rows = sqlx::query!(
        "select n.serial, n.until from key_versions v join lease_renewals n on n.version_uid = v.uid
        where v.stage = 'previous' and v.keep_until <= clock_timestamp() and n.issuer = $1 order by n.until limit $2",
        issuer,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let held = rows.into_iter();
    Ok(held
        .map(|row| (row.serial.cast_unsigned(), timestamp(row.until)))
        .collect())
}

/// These leases are over: no version is kept for them.
///
/// # Errors
/// As every query.
pub async fn let_go(conn: &mut PgConnection, issuer: Uuid, serials: &[u64]) -> Result<()> {
    let serials: Vec<i64> = serials.iter().copied().map(signed).collect();
    sqlx::query!(
        "update lease_renewals set version_uid = null where issuer = $1 and serial = any($2)",
        issuer,
        &serials
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

/// Forgets those that ended before this.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, before: Timestamp) -> Result<()> {
    sqlx::query!(
        "delete from lease_renewals where until < $1",
        offset(before)
    )
    .execute(conn)
    .await?;
    Ok(())
}
