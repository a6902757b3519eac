//! Table `limits`, and the row of `limit_ledgers` that each of them is born with.

use sqlx::PgConnection;
use uuid::Uuid;

use super::convert::{as_millis, offset};
use super::limit_rows::{LimitRow, read};
use super::{Result, Slice};
use crate::domain::id::Id;
use crate::domain::limit::{Dimension, Limit, Owner, UnreadLimit};
use crate::domain::models::Pattern;
use crate::domain::terms::Span;
use crate::domain::time::Timestamp;

mod beside;

pub use beside::held_beside;

/// A limit, or that it cannot be read.
pub type Read = std::result::Result<Limit, UnreadLimit>;

/// The limit of this owner and id.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection, owner: Owner, id: &Id) -> Result<Option<Limit>> {
    let row = sqlx::query_as!(
        LimitRow,
        "select uid, rev, owner_kind, owner_uid, id, create_time, update_time, dimension, amount, window_ms, calendar_period,
            calendar_time_zone, lease_duration_max_ms, models, mode, validity_ms, start_within_ms, blackout_ms,
            offline_percent, offline_slots, offline_outage_max_ms
        from limits where owner_uid = $1 and id = $2 and delete_time is null",
        owner.uid(),
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// The deleted limit of this owner, id and dimension, whose charges a new one takes over.
///
/// # Errors
/// As every query.
pub async fn find_deleted(
    conn: &mut PgConnection,
    owner: Owner,
    id: &Id,
    dimension: Dimension,
) -> Result<Option<Limit>> {
    let row = sqlx::query_as!(
        LimitRow,
        "select uid, rev, owner_kind, owner_uid, id, create_time, update_time, dimension, amount, window_ms, calendar_period,
            calendar_time_zone, lease_duration_max_ms, models, mode, validity_ms, start_within_ms, blackout_ms,
            offline_percent, offline_slots, offline_outage_max_ms
        from limits where owner_uid = $1 and id = $2 and dimension = $3 and delete_time is not null
        order by delete_time desc limit 1",
        owner.uid(),
        id.as_str(),
        dimension.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// The limits of an owner in the order of their ids.
///
/// # Errors
/// As every query.
pub async fn list(conn: &mut PgConnection, owner: Owner, slice: Slice<'_>) -> Result<Vec<Read>> {
    let rows = sqlx::query_as!(
        LimitRow,
        r#"select uid, rev, owner_kind, owner_uid, id, create_time, update_time, dimension, amount, window_ms, calendar_period,
            calendar_time_zone, lease_duration_max_ms, models, mode, validity_ms, start_within_ms, blackout_ms,
            offline_percent, offline_slots, offline_outage_max_ms
        from limits where owner_uid = $1 and delete_time is null and id collate "C" > $2 order by id collate "C" limit $3"#,
        owner.uid(),
        slice.after.unwrap_or_default(),
        slice.rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The limits of these accounts and callers, in the order of owner, then id.
///
/// # Errors
/// As every query.
pub async fn of_owners(conn: &mut PgConnection, owners: &[Uuid]) -> Result<Vec<Read>> {
    let rows = sqlx::query_as!(
        LimitRow,
        r#"select uid, rev, owner_kind, owner_uid, id, create_time, update_time, dimension, amount, window_ms, calendar_period,
            calendar_time_zone, lease_duration_max_ms, models, mode, validity_ms, start_within_ms, blackout_ms,
            offline_percent, offline_slots, offline_outage_max_ms
        from limits where owner_uid = any($1) and delete_time is null order by owner_uid, id collate "C""#,
        owners
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// How many limits an owner has.
///
/// # Errors
/// As every query.
pub async fn count(conn: &mut PgConnection, owner: Owner) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from limits where owner_uid = $1 and delete_time is null"#,
        owner.uid()
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Inserts a limit with an empty ledger.
///
/// # Errors
/// [`super::Error::Unique`] if the owner has one of this id; else as every query.
pub async fn insert(conn: &mut PgConnection, limit: &Limit) -> Result<()> {
    sqlx::query!(
        "with born as (
            insert into limits (uid, rev, owner_kind, owner_uid, id, create_time, dimension, amount)
            values ($1, $2, $3, $4, $5, $6, $7, $8) returning uid)
        insert into limit_ledgers (limit_uid, incarnation)
        select uid, coalesce((select max(number) from incarnations where lossy), 0) from born",
        limit.uid,
        limit.rev,
        limit.owner.kind(),
        limit.owner.uid(),
        limit.id.as_str(),
        offset(limit.create_time),
        limit.dimension.as_str(),
        column(limit.amount)
    )
    .execute(&mut *conn)
    .await?;
    update(conn, limit).await
}

/// Writes all of a limit that can change, and revives it if it was deleted.
///
/// # Errors
/// [`super::Error::Unique`] if it was deleted and the owner has another of its id; else as every query.
pub async fn update(conn: &mut PgConnection, limit: &Limit) -> Result<()> {
    let models: Vec<_> = limit
        .models
        .iter()
        .map(|m| Pattern::as_str(m).to_owned())
        .collect();
    let (window, calendar, longest) = match limit.span {
        Span::Rolling(window) => (Some(window), None, None),
        Span::Calendar(calendar) => (None, Some(calendar), None),
        Span::Held(longest) => (None, None, Some(longest)),
    };
    sqlx::query!(
        "update limits set rev = $2, update_time = $3, delete_time = null, amount = $4, window_ms = $5, models = $6,
            validity_ms = $7, start_within_ms = $8, blackout_ms = $9, calendar_period = $10, calendar_time_zone = $11,
            lease_duration_max_ms = $12, mode = $13, offline_percent = $14, offline_slots = $15, offline_outage_max_ms = $16
        where uid = $1",
        limit.uid,
        limit.rev,
        offset(limit.update_time),
        column(limit.amount),
        as_millis(window),
        &models,
        as_millis(limit.validity),
        as_millis(limit.start_within),
        as_millis(limit.blackout),
        calendar.map(|c| c.period.as_str()),
        calendar.map(|c| c.zone.as_str()),
        as_millis(longest),
        limit.mode.as_str(),
        limit.offline.map(|share| small(share.percent)),
        limit.offline.map(|share| small(share.slots)),
        as_millis(limit.offline.map(|share| share.outage_max))
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The part of a number that a column holds.
fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Deletes a limit; its row and charges stay, to be revived.
///
/// # Errors
/// As every query.
pub async fn delete(conn: &mut PgConnection, uid: Uuid, rev: i64, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update limits set rev = $2, delete_time = $3, update_time = $3 where uid = $1",
        uid,
        rev,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
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
