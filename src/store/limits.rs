//! Table `limits`: how much of what in which window. A deleted limit keeps its row, since its charges may be revived.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, millis, offset, timestamp};
use super::{Error, Result};
use crate::domain::id::Id;
use crate::domain::limit::{Dimension, Limit, Owner};
use crate::domain::models::patterns;
use crate::domain::time::Timestamp;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct LimitRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) owner_kind: String,
    pub(crate) owner_uid: Uuid,
    pub(crate) id: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) dimension: String,
    pub(crate) amount: i64,
    pub(crate) window_ms: Option<i64>,
    pub(crate) models: Vec<String>,
    pub(crate) validity_ms: Option<i64>,
    pub(crate) start_within_ms: Option<i64>,
    pub(crate) blackout_ms: Option<i64>,
}

impl TryFrom<LimitRow> for Limit {
    type Error = Error;

    fn try_from(row: LimitRow) -> Result<Self> {
        let reading = Reading {
            table: "limits",
            uid: row.uid,
        };
        let owner = match row.owner_kind.as_str() {
            "account" => Some(Owner::Account(row.owner_uid)),
            "caller" => Some(Owner::Caller(row.owner_uid)),
            _ => None,
        };
        Ok(Self {
            uid: row.uid,
            rev: row.rev,
            owner: reading.known("owner_kind", owner)?,
            id: reading.parsed(Id::parse("id", &row.id))?,
            create_time: timestamp(row.create_time),
            update_time: timestamp(row.update_time),
            dimension: reading.known("dimension", Dimension::from_stored(&row.dimension))?,
            amount: reading.number("amount", row.amount)?,
            window: reading.known("window_ms", millis(row.window_ms))?,
            models: reading.parsed(patterns("models", &row.models))?,
            validity: millis(row.validity_ms),
            start_within: millis(row.start_within_ms),
            blackout: millis(row.blackout_ms),
        })
    }
}

/// The limits of these accounts or callers, by owner and id.
///
/// # Errors
/// As every query.
pub async fn of_owners(conn: &mut PgConnection, owners: &[Uuid]) -> Result<Vec<Limit>> {
    let rows = sqlx::query_as!(
        LimitRow,
        r#"select uid, rev, owner_kind, owner_uid, id, create_time, update_time, dimension, amount, window_ms, models, validity_ms,
            start_within_ms, blackout_ms
        from limits where owner_uid = any($1) and delete_time is null order by owner_uid, id collate "C""#,
        owners
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Deletes all limits of an owner that goes.
///
/// # Errors
/// As every query.
pub async fn delete_of_owner(
    conn: &mut PgConnection,
    owner_uid: Uuid,
    rev: i64,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update limits set rev = $2, delete_time = $3, update_time = $3 where owner_uid = $1 and delete_time is null",
        owner_uid,
        rev,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
