//! Table `cluster`: the revision that every change takes, and the wrapped cluster key.

use sqlx::PgConnection;

use super::Result;
use super::convert::timestamp;
use crate::domain::time::Timestamp;

/// The next revision, and the time at which it was taken. Holds the row until the transaction ends, so that changes are in the
/// order of their revisions: take it first.
///
/// # Errors
/// As every query.
pub async fn next_rev(conn: &mut PgConnection) -> Result<(i64, Timestamp)> {
    let row = sqlx::query!(
        r#"update cluster set rev = rev + 1 returning rev, clock_timestamp() as "now!""#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.rev, timestamp(row.now)))
}

/// The database's clock.
///
/// # Errors
/// As every query.
pub async fn now(conn: &mut PgConnection) -> Result<Timestamp> {
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#)
        .fetch_one(conn)
        .await?;
    Ok(timestamp(now))
}

/// The last revision that was committed.
///
/// # Errors
/// As every query.
pub async fn rev(conn: &mut PgConnection) -> Result<i64> {
    let rev = sqlx::query_scalar!("select rev from cluster")
        .fetch_one(conn)
        .await?;
    Ok(rev)
}

/// The wrapped cluster key and the fingerprint of its master key, if the cluster has one. Waits for nobody and needs no right to write.
///
/// # Errors
/// As every query.
pub async fn wrapped_key(conn: &mut PgConnection) -> Result<Option<(Vec<u8>, String)>> {
    let row = sqlx::query!("select wrapped_key, master_key_fingerprint from cluster")
        .fetch_one(conn)
        .await?;
    Ok(row.wrapped_key.zip(row.master_key_fingerprint))
}

/// The same, for whoever changes something by it. Holds the row until the transaction ends, so that of two first starts one waits for the
/// other.
///
/// # Errors
/// As every query.
pub async fn lock_wrapped_key(conn: &mut PgConnection) -> Result<Option<(Vec<u8>, String)>> {
    let row = sqlx::query!("select wrapped_key, master_key_fingerprint from cluster for update")
        .fetch_one(conn)
        .await?;
    Ok(row.wrapped_key.zip(row.master_key_fingerprint))
}

/// Stores the wrapped cluster key, unless there is one.
///
/// # Errors
/// As every query.
pub async fn set_wrapped_key(
    conn: &mut PgConnection,
    wrapped: &[u8],
    fingerprint: &str,
) -> Result<()> {
    sqlx::query!(
        "update cluster set wrapped_key = $1, master_key_fingerprint = $2 where wrapped_key is null",
        wrapped,
        fingerprint
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The master key that wraps whatever is sealed, as stored: nothing of it is proven until its MAC is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPromotion {
    /// Its fingerprint.
    pub master_key: String,
    /// Of the promotion; none where a release wrote it that numbers none.
    pub number: Option<i64>,
    /// Over both.
    pub mac: Vec<u8>,
}

/// The master key that wraps whatever is sealed. None before the first start of a release that keeps it here.
///
/// # Errors
/// As every query.
pub async fn promoted_master_key(conn: &mut PgConnection) -> Result<Option<StoredPromotion>> {
    let row =
        sqlx::query!("select promoted_master_key, promotion_number, promoted_mac from cluster")
            .fetch_one(conn)
            .await?;
    Ok(row.promoted_master_key.map(|master_key| StoredPromotion {
        master_key,
        number: row.promotion_number,
        mac: row.promoted_mac.unwrap_or_default(),
    }))
}

/// From now on this master key wraps whatever is sealed.
///
/// # Errors
/// As every query.
pub async fn promote_master_key(
    conn: &mut PgConnection,
    fingerprint: &str,
    number: i64,
    mac: &[u8],
) -> Result<()> {
    sqlx::query!(
        "update cluster set promoted_master_key = $1, promotion_number = $2, promoted_mac = $3",
        fingerprint,
        number,
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the cluster key, wrapped anew.
///
/// # Errors
/// As every query.
pub async fn rewrap_key(conn: &mut PgConnection, wrapped: &[u8], fingerprint: &str) -> Result<()> {
    sqlx::query!(
        "update cluster set wrapped_key = $1, master_key_fingerprint = $2",
        wrapped,
        fingerprint
    )
    .execute(conn)
    .await?;
    Ok(())
}
