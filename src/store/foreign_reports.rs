//! Table `foreign_reports`: reports that reached a replica other than the lease's issuer, on their way to it.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;

/// Inserts a batch.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, issuers: &[Uuid], reports: &[Vec<u8>]) -> Result<()> {
    sqlx::query!(
        "insert into foreign_reports (issuer, report) select issuer, report
        from unnest($1::uuid[], $2::bytea[]) as batch (issuer, report)",
        issuers,
        reports
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes at most so many that are for this replica, oldest first.
///
/// # Errors
/// As every query.
pub async fn take(conn: &mut PgConnection, issuer: Uuid, rows_max: i64) -> Result<Vec<Vec<u8>>> {
    let reports = sqlx::query_scalar!(
        "delete from foreign_reports where id in
            (select id from foreign_reports where issuer = $1 order by id limit $2)
        returning report",
        issuer,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(reports)
}

/// Forgets what nobody came for: its issuer is gone, and its charges have ended.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, age: Duration) -> Result<()> {
    let seconds = age.as_secs_f64();
    sqlx::query!(
        "delete from foreign_reports where create_time < clock_timestamp() - make_interval(secs => $1)",
        seconds
    )
    .execute(conn)
    .await?;
    Ok(())
}
