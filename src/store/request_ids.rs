//! Table `request_ids`: answers to repeated mutations.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::offset;
use crate::domain::time::Timestamp;

/// Whose request it is, which method it calls, and the id it bears.
#[derive(Debug, Clone, Copy)]
pub struct RequestKey<'a> {
    /// The caller.
    pub caller_uid: Uuid,
    /// The RPC.
    pub method: &'a str,
    /// As the caller chose it.
    pub request_id: &'a str,
}

/// What is remembered of a request.
#[derive(Debug)]
pub struct Remembered {
    /// Keyed hash of the request.
    pub request_hash: Vec<u8>,
    /// The resource it was about, by name.
    pub resource: String,
}

/// What is remembered of a request that came no earlier than `since`.
///
/// # Errors
/// As every query.
pub async fn find(
    conn: &mut PgConnection,
    key: RequestKey<'_>,
    since: Timestamp,
) -> Result<Option<Remembered>> {
    let found = sqlx::query_as!(
        Remembered,
        "select request_hash, resource from request_ids
        where caller_uid = $1 and method = $2 and request_id = $3 and create_time >= $4",
        key.caller_uid,
        key.method,
        key.request_id,
        offset(since)
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// Remembers a request, in the place of one of the same id that is too old to count.
///
/// # Errors
/// As every query.
pub async fn remember(
    conn: &mut PgConnection,
    key: RequestKey<'_>,
    remembered: &Remembered,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into request_ids (caller_uid, method, request_id, request_hash, resource, create_time)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (caller_uid, method, request_id)
        do update set request_hash = $4, resource = $5, create_time = $6",
        key.caller_uid,
        key.method,
        key.request_id,
        remembered.request_hash,
        remembered.resource,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets requests older than `before`, a bounded number of them.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, before: Timestamp, rows_max: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from request_ids where (caller_uid, method, request_id) in (
            select caller_uid, method, request_id from request_ids
            where create_time < $1 order by create_time limit $2)",
        offset(before),
        rows_max
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
