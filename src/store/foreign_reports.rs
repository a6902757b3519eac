//! Table `foreign_reports`: reports that reached a replica other than the lease's issuer, on their way to it.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::offset;
use crate::domain::time::Timestamp;

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

/// What a transaction begins with that takes reports.
pub const BEGIN: &str = "begin isolation level read committed read write";

/// Takes at most so many that are for this replica, oldest first; in a transaction that is committed when they have been taken up, so that
/// an answer that is lost loses none.
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

/// A report whose issuer is gone.
#[derive(Debug)]
pub struct Orphan {
    /// Its row.
    pub id: i64,
    /// Who gave the lease.
    pub issuer: Uuid,
    /// The report.
    pub report: Vec<u8>,
}

/// Locks at most so many reports whose issuer has not been heard of for `lapse`, oldest first; what others have locked is left to them.
///
/// # Errors
/// As every query.
pub async fn orphans(
    conn: &mut PgConnection,
    lapse: Duration,
    rows_max: i64,
) -> Result<Vec<Orphan>> {
    let rows = sqlx::query_as!(
        Orphan,
        "select f.id, f.issuer, f.report from foreign_reports f
        where not exists (select from replicas r where r.boot_id = f.issuer
            and r.heartbeat_time > clock_timestamp() - make_interval(secs => $1))
        order by f.id limit $2 for update of f skip locked",
        lapse.as_secs_f64(),
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Removes reports that were taken up.
///
/// # Errors
/// As every query.
pub async fn remove(conn: &mut PgConnection, ids: &[i64]) -> Result<()> {
    sqlx::query!("delete from foreign_reports where id = any($1)", ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets what nobody came for since before this: its issuer is gone, and its charges have ended.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, before: Timestamp) -> Result<()> {
    sqlx::query!(
        "delete from foreign_reports where create_time < $1",
        offset(before)
    )
    .execute(conn)
    .await?;
    Ok(())
}
