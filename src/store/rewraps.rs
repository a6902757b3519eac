//! Table `rewraps`: wrapping everything anew under one master key, as an operation that one replica works at.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, timestamp};
use super::{Error, Result};
use crate::domain::rewrap::{Rewrap, RewrapState};

/// A row, column by column.
struct RewrapRow {
    uid: Uuid,
    master_key_fingerprint: String,
    state: String,
    create_time: OffsetDateTime,
    update_time: OffsetDateTime,
    end_time: Option<OffsetDateTime>,
    total: i64,
    rewrapped: i64,
    failed: i64,
    rate_max: i32,
}

/// One that this replica works at, within the transaction that claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The operation.
    pub uid: Uuid,
    /// The fingerprint of the master key that everything is to be wrapped with.
    pub master_key_fingerprint: String,
    /// The last row that the walk has passed; none at its beginning.
    pub after: Option<(Uuid, String)>,
    /// Rows that this walk has moved.
    pub moved: i64,
    /// At most so many rows a second.
    pub rate_max: i32,
}

/// Begins one: so many rows are to be moved, at most so many a second.
///
/// # Errors
/// [`Error::Unique`] if one runs already; else as every query.
pub async fn insert(
    conn: &mut PgConnection,
    master_key: &str,
    total: i64,
    rate_max: i32,
) -> Result<()> {
    sqlx::query!(
        "insert into rewraps (uid, master_key_fingerprint, state, total, rate_max) values ($1, $2, 'running', $3, $4)",
        Uuid::now_v7(),
        master_key,
        total,
        rate_max
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The one that began last.
///
/// # Errors
/// As every query.
pub async fn latest(conn: &mut PgConnection) -> Result<Option<Rewrap>> {
    let row = sqlx::query_as!(
        RewrapRow,
        "select uid, master_key_fingerprint, state, create_time, update_time, end_time, total, rewrapped, failed, rate_max
        from rewraps order by number desc limit 1"
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// The one that runs goes on at this pace.
///
/// # Errors
/// As every query.
pub async fn set_rate(conn: &mut PgConnection, rate_max: i32) -> Result<()> {
    sqlx::query!(
        "update rewraps set rate_max = $1 where state = 'running'",
        rate_max
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the one that runs, if any. Answers whether there was one.
///
/// # Errors
/// As every query.
pub async fn end(conn: &mut PgConnection, state: RewrapState) -> Result<bool> {
    let ended = sqlx::query!(
        "update rewraps set state = $1, end_time = clock_timestamp(), update_time = clock_timestamp(), claimed_by = null,
            claimed_until = null
        where state = 'running'",
        state.as_str()
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// Takes the one that runs, unless another replica works at it: for this transaction by the row's lock, and beyond it for `lasts`, so that
/// replicas do not take turns.
///
/// # Errors
/// As every query.
pub async fn claim(
    conn: &mut PgConnection,
    boot_id: Uuid,
    lasts: Duration,
) -> Result<Option<Claim>> {
    let row = sqlx::query!(
        "update rewraps set claimed_by = $1, claimed_until = clock_timestamp() + make_interval(secs => $2)
        where uid = (select uid from rewraps where state = 'running'
            and (claimed_by is null or claimed_by = $1 or claimed_until <= clock_timestamp()) for update skip locked)
        returning uid, master_key_fingerprint, cursor_version_uid, cursor_field, moved, rate_max",
        boot_id,
        lasts.as_secs_f64()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Claim {
        uid: row.uid,
        master_key_fingerprint: row.master_key_fingerprint,
        after: row.cursor_version_uid.zip(row.cursor_field),
        moved: row.moved,
        rate_max: row.rate_max,
    }))
}

/// The walk has passed this row; so many rows before it were moved, and so many do not open.
///
/// # Errors
/// As every query.
pub async fn advance(
    conn: &mut PgConnection,
    uid: Uuid,
    (version_uid, field): (Uuid, &str),
    moved: i64,
    failed: i64,
) -> Result<()> {
    sqlx::query!(
        "update rewraps set cursor_version_uid = $2, cursor_field = $3, moved = moved + $4, rewrapped = rewrapped + $4,
            failed = failed + $5, update_time = clock_timestamp()
        where uid = $1",
        uid,
        version_uid,
        field,
        moved,
        failed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A new walk begins.
///
/// # Errors
/// As every query.
pub async fn walk_again(conn: &mut PgConnection, uid: Uuid) -> Result<()> {
    sqlx::query!(
        "update rewraps set cursor_version_uid = null, cursor_field = null, moved = 0, failed = 0, update_time = clock_timestamp()
        where uid = $1",
        uid
    )
    .execute(conn)
    .await?;
    Ok(())
}

impl TryFrom<RewrapRow> for Rewrap {
    type Error = Error;

    fn try_from(row: RewrapRow) -> Result<Self> {
        let reading = Reading {
            table: "rewraps",
            uid: row.uid,
        };
        Ok(Self {
            uid: row.uid,
            master_key: row.master_key_fingerprint,
            state: reading.known("state", RewrapState::from_stored(&row.state))?,
            create_time: timestamp(row.create_time),
            update_time: timestamp(row.update_time),
            end_time: row.end_time.map(timestamp),
            total: row.total,
            rewrapped: row.rewrapped,
            failed: row.failed,
            rate_max: row.rate_max,
        })
    }
}
