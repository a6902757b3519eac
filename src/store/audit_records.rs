//! Table `audit_records`: one row per change, in the change's own transaction.

use sqlx::PgConnection;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::time::Timestamp;

/// One change, and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Grows with every record; chosen by the database.
    pub sequence: i64,
    /// When.
    pub record_time: Timestamp,
    /// Who: a caller's name, or `system`.
    pub caller: String,
    /// The RPC.
    pub method: String,
    /// The resource, by name.
    pub resource: String,
    /// As the caller gave it.
    pub reason: String,
    /// The address the call came from.
    pub source: String,
    /// What changed, in a few words. Never a secret.
    pub summary: String,
}

/// Inserts a record; its `sequence` is ignored.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, record: &AuditRecord) -> Result<()> {
    sqlx::query!(
        "insert into audit_records (record_time, caller, method, resource, reason, source, summary)
        values ($1, $2, $3, $4, $5, $6, $7)",
        offset(record.record_time),
        record.caller,
        record.method,
        record.resource,
        record.reason,
        record.source,
        record.summary
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records before `before` (none: from the newest on), newest first; only those about `resource` and what is below it, if set.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    before: Option<i64>,
    resource: Option<&str>,
    rows_max: i64,
) -> Result<Vec<AuditRecord>> {
    let rows = sqlx::query!(
        "select sequence, record_time, caller, method, resource, reason, source, summary
        from audit_records
        where ($1::bigint is null or sequence < $1)
            and ($2::text is null or resource = $2 or starts_with(resource, $2 || '/'))
        order by sequence desc limit $3",
        before,
        resource,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let records = rows.into_iter().map(|row| AuditRecord {
        sequence: row.sequence,
        record_time: timestamp(row.record_time),
        caller: row.caller,
        method: row.method,
        resource: row.resource,
        reason: row.reason,
        source: row.source,
        summary: row.summary,
    });
    Ok(records.collect())
}
