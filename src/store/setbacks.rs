//! Table `setbacks`: that the database went back in time, as replicas saw it.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{signed, timestamp};
use crate::domain::time::Timestamp;

/// The most versions that a row names.
const NAMED_MAX: usize = 10_000;

/// What a replica saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    /// The revision that it knew.
    pub rev_known: i64,
    /// The revision that it found.
    pub rev_found: i64,
    /// Versions that had been replaced, revoked or deleted, and are there again.
    pub back: Vec<Uuid>,
    /// How many versions it knew that are gone.
    pub lost: usize,
}

/// What some replica saw, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub seen_time: Timestamp,
    /// The revision that it knew.
    pub rev_known: i64,
    /// The revision that it found.
    pub rev_found: i64,
    /// Versions that were there again: the first of them.
    pub back: Vec<Uuid>,
    /// How many there were.
    pub back_count: i64,
    /// How many were gone.
    pub lost_count: i64,
}

/// The columns of [`Seen`], as the driver gives them.
struct SeenRow {
    seen_time: OffsetDateTime,
    rev_known: i64,
    rev_found: i64,
    back: Vec<Uuid>,
    back_count: i64,
    lost_count: i64,
}

/// Notes one.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, boot_id: Uuid, setback: &Setback) -> Result<()> {
    let count = |count: usize| signed(u64::try_from(count).unwrap_or(u64::MAX));
    let named = &setback.back[..setback.back.len().min(NAMED_MAX)];
    sqlx::query!(
        "insert into setbacks (boot_id, rev_known, rev_found, back, back_count, lost_count) values ($1, $2, $3, $4, $5, $6)",
        boot_id,
        setback.rev_known,
        setback.rev_found,
        named,
        count(setback.back.len()),
        count(setback.lost)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last ones, newest first.
///
/// # Errors
/// As every query.
pub async fn latest(conn: &mut PgConnection, rows_max: i64) -> Result<Vec<Seen>> {
    let rows = sqlx::query_as!(
        SeenRow,
        "select seen_time, rev_known, rev_found, back, back_count, lost_count from setbacks order by id desc limit $1",
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let seen = rows.into_iter().map(|row| Seen {
        seen_time: timestamp(row.seen_time),
        rev_known: row.rev_known,
        rev_found: row.rev_found,
        back: row.back,
        back_count: row.back_count,
        lost_count: row.lost_count,
    });
    Ok(seen.collect())
}
