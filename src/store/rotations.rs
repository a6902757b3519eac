//! Table `rotations`: replacements of secrets, one row each.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, offset, timestamp};
use super::{Error, Result};
use crate::domain::id::Id;
use crate::domain::rotation::{Rotation, Step};
use crate::domain::time::Timestamp;

/// A row, column by column.
#[derive(Debug)]
struct RotationRow {
    uid: Uuid,
    key_uid: Uuid,
    id: String,
    step: String,
    from_number: Option<i32>,
    to_number: i32,
    reason: String,
    create_time: OffsetDateTime,
    update_time: OffsetDateTime,
}

impl TryFrom<RotationRow> for Rotation {
    type Error = Error;

    fn try_from(row: RotationRow) -> Result<Self> {
        let reading = Reading {
            table: "rotations",
            uid: row.uid,
        };
        let from = row.from_number;
        Ok(Self {
            uid: row.uid,
            key_uid: row.key_uid,
            id: reading.parsed(Id::parse("id", &row.id))?,
            step: reading.known("step", Step::from_stored(&row.step))?,
            from_number: from
                .map(|number| reading.number("from_number", number))
                .transpose()?,
            to_number: reading.number("to_number", row.to_number)?,
            reason: row.reason,
            create_time: timestamp(row.create_time),
            update_time: timestamp(row.update_time),
        })
    }
}

/// The rotation of this id.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection, key_uid: Uuid, id: &Id) -> Result<Option<Rotation>> {
    let row = sqlx::query_as!(
        RotationRow,
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time
        from rotations where key_uid = $1 and id = $2",
        key_uid,
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// Rotations of a key to versions below the number `before`, newest first.
///
/// # Errors
/// As every query.
pub async fn of_key(
    conn: &mut PgConnection,
    key_uid: Uuid,
    before: u32,
    rows_max: i64,
) -> Result<Vec<Rotation>> {
    let rows = sqlx::query_as!(
        RotationRow,
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time
        from rotations where key_uid = $1 and to_number < $2 order by to_number desc limit $3",
        key_uid,
        i32::try_from(before).unwrap_or(i32::MAX),
        rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Inserts a rotation.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, rotation: &Rotation) -> Result<()> {
    let number = |number| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into rotations (uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        rotation.uid,
        rotation.key_uid,
        rotation.id.as_str(),
        rotation.step.as_str(),
        rotation.from_number.map(number),
        number(rotation.to_number),
        rotation.reason,
        offset(rotation.create_time),
        offset(rotation.update_time)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the rotations that wait for leases of this version to end.
///
/// # Errors
/// As every query.
pub async fn finish(
    conn: &mut PgConnection,
    key_uid: Uuid,
    from_number: i32,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update rotations set step = 'done', update_time = $3
        where key_uid = $1 and from_number = $2 and step = 'draining'",
        key_uid,
        from_number,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
