//! Table `rotations`: replacements of secrets, one row each.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, millis, timestamp};
use super::{Error, Result};
use crate::domain::id::Id;
use crate::domain::rotation::{GRACE_DEFAULT, Origin, Rotation, Step};
use crate::domain::time::Timestamp;

mod claims;
mod failed;
mod future;
mod revoking;
mod writing;

pub use claims::{Claimed, begun_since, busy, claim, is_due, note_attempt};
pub use failed::{Failed, failed};
pub use future::{
    drain_now, is_any_beyond, is_clock_ahead, is_clock_behind, promote_now, step_now,
};
pub use revoking::{
    Asked, Leaving, answered, ask, is_being_asked, leaving, note_secret, secret_to_revoke,
    unrevoked,
};
pub use writing::{insert, of_drained, update};

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct RotationRow {
    pub(crate) uid: Uuid,
    pub(crate) key_uid: Uuid,
    pub(crate) id: String,
    pub(crate) step: String,
    pub(crate) from_number: Option<i32>,
    pub(crate) to_number: i32,
    pub(crate) reason: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) origin: String,
    pub(crate) skips_test: bool,
    pub(crate) grace_ms: Option<i64>,
    pub(crate) step_time: OffsetDateTime,
    pub(crate) attempts: i32,
    pub(crate) next_attempt_time: Option<OffsetDateTime>,
    pub(crate) why: String,
    pub(crate) is_held: bool,
    pub(crate) is_automatic: bool,
    pub(crate) epoch: i64,
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
            origin: reading.known("origin", Origin::from_stored(&row.origin))?,
            skips_test: row.skips_test,
            grace: millis(row.grace_ms).unwrap_or(GRACE_DEFAULT),
            step_time: timestamp(row.step_time),
            attempts: reading.number("attempts", row.attempts)?,
            next_attempt: row.next_attempt_time.map(timestamp),
            why: row.why,
            is_held: row.is_held,
            is_automatic: row.is_automatic,
            epoch: row.epoch,
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
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test, grace_ms, step_time,
            attempts, next_attempt_time, why, is_held, is_automatic, epoch
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
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test, grace_ms, step_time,
            attempts, next_attempt_time, why, is_held, is_automatic, epoch
        from rotations where key_uid = $1 and to_number < $2 order by to_number desc limit $3",
        key_uid,
        i32::try_from(before).unwrap_or(i32::MAX),
        rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The rotation of a key that has not promoted its version yet.
///
/// # Errors
/// As every query.
pub async fn open_of_key(conn: &mut PgConnection, key_uid: Uuid) -> Result<Option<Rotation>> {
    let row = sqlx::query_as!(
        RotationRow,
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test, grace_ms, step_time,
            attempts, next_attempt_time, why, is_held, is_automatic, epoch
        from rotations where key_uid = $1 and step in ('creating', 'pending', 'testing') for update",
        key_uid
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// The rotation that brought the current version of a key, while the one before it is kept.
///
/// # Errors
/// As every query.
pub async fn of_current(conn: &mut PgConnection, key_uid: Uuid) -> Result<Option<Rotation>> {
    let row = sqlx::query_as!(
        RotationRow,
        "select r.uid, r.key_uid, r.id, r.step, r.from_number, r.to_number, r.reason, r.create_time, r.update_time, r.origin, r.skips_test,
            r.grace_ms, r.step_time, r.attempts, r.next_attempt_time, r.why, r.is_held, r.is_automatic, r.epoch
        from rotations r join key_versions v on v.key_uid = r.key_uid and v.number = r.to_number
        where r.key_uid = $1 and r.step = 'draining' and v.stage = 'current' for update of r",
        key_uid
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// A rotation, locked until the transaction ends, if whoever asks has its next step: nobody has taken it, or said a word, since `epoch`.
///
/// # Errors
/// As every query.
pub async fn lock(conn: &mut PgConnection, uid: Uuid, epoch: i64) -> Result<Option<Rotation>> {
    let row = sqlx::query_as!(
        RotationRow,
        "select uid, key_uid, id, step, from_number, to_number, reason, create_time, update_time, origin, skips_test, grace_ms, step_time,
            attempts, next_attempt_time, why, is_held, is_automatic, epoch
        from rotations where uid = $1 and epoch = $2 for update",
        uid,
        epoch
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// The highest number that a version of the key has, or is to have.
///
/// # Errors
/// As every query.
pub async fn newest_number(conn: &mut PgConnection, key_uid: Uuid) -> Result<u32> {
    let number = sqlx::query_scalar!(
        r#"select greatest((select max(number) from key_versions where key_uid = $1),
            (select max(to_number) from rotations where key_uid = $1), 0) as "number!""#,
        key_uid
    )
    .fetch_one(conn)
    .await?;
    Ok(u32::try_from(number).unwrap_or(0))
}

/// For the column of when a rotation is due.
fn due(at: Option<Timestamp>) -> Option<OffsetDateTime> {
    at.map(super::convert::offset)
}
