//! Table `limit_ledgers`: rows to be looked at although nobody asks for their limits.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;

/// Limits that have not answered to a lossy incarnation yet, smallest uid first, beyond `after`.
///
/// # Errors
/// When the database fails.
pub async fn unanswered(
    conn: &mut PgConnection,
    incarnation: i64,
    after: Uuid,
    rows_max: i64,
) -> Result<Vec<Uuid>> {
    let limits = sqlx::query_scalar!(
        "select limit_uid from limit_ledgers where incarnation < $1 and limit_uid > $2 order by limit_uid limit $3",
        incarnation,
        after,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(limits)
}

/// Charged limits that nobody has touched for so long, in order of their uids, after this one.
///
/// # Errors
/// When the database fails.
pub async fn idle(
    conn: &mut PgConnection,
    age: Duration,
    after: Uuid,
    rows_max: i64,
) -> Result<Vec<Uuid>> {
    let limits = sqlx::query_scalar!(
        "select limit_uid from limit_ledgers l
        where last_high < clock_timestamp() - make_interval(secs => $1) and limit_uid > $2
            and exists (select from limit_blocks b where b.limit_uid = l.limit_uid)
        order by limit_uid limit $3",
        age.as_secs_f64(),
        after,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(limits)
}
