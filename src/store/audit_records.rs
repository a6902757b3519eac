//! Table `audit_records`: one row per change, in the change's own transaction, each in the chain of its writer.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::chain::Link;
use crate::domain::time::Timestamp;

pub mod chained;

/// One change, and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Grows with every record, over all writers.
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
    /// What the change left of the rows that it wrote, as [`RowsLeft`](crate::domain::rows_left::RowsLeft) stores it. None of a record of an
    /// earlier release, and where records are only listed.
    pub rows: Option<Vec<u8>>,
}

/// A row, column by column.
struct Columns {
    sequence: i64,
    record_time: OffsetDateTime,
    caller: String,
    method: String,
    resource: String,
    reason: String,
    source: String,
    summary: String,
}

impl From<Columns> for AuditRecord {
    fn from(row: Columns) -> Self {
        Self {
            sequence: row.sequence,
            record_time: timestamp(row.record_time),
            caller: row.caller,
            method: row.method,
            resource: row.resource,
            reason: row.reason,
            source: row.source,
            summary: row.summary,
            rows: None,
        }
    }
}

/// Takes the numbers of so many records.
///
/// # Errors
/// As every query.
pub async fn take_sequences(conn: &mut PgConnection, count: i64) -> Result<Vec<i64>> {
    let sequences = sqlx::query_scalar!(
        r#"select nextval(pg_get_serial_sequence('audit_records', 'sequence')) as "sequence!" from generate_series(1, $1::bigint)"#,
        count
    )
    .fetch_all(conn)
    .await?;
    Ok(sequences)
}

/// Inserts a record, and its place in the chain.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, record: &AuditRecord, link: &Link) -> Result<()> {
    sqlx::query!(
        "insert into audit_records (sequence, record_time, caller, method, resource, reason, source, summary,
            writer, writer_sequence, previous, mac, rows)
        overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        record.sequence,
        offset(record.record_time),
        record.caller,
        record.method,
        record.resource,
        record.reason,
        record.source,
        record.summary,
        link.writer,
        link.sequence,
        link.previous,
        link.mac,
        record.rows.as_deref()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that are in no chain, oldest first: at most so many.
///
/// # Errors
/// As every query.
pub async fn unchained(conn: &mut PgConnection, rows_max: i64) -> Result<Vec<AuditRecord>> {
    let rows = sqlx::query_as!(
        Columns,
        "select sequence, record_time, caller, method, resource, reason, source, summary from audit_records
        where writer is null or writer_sequence is null order by sequence limit $1",
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AuditRecord::from).collect())
}

/// Whether any record is of a master key that was promoted.
///
/// # Errors
/// As every query.
pub async fn has_promotion(conn: &mut PgConnection) -> Result<bool> {
    let is_there = sqlx::query_scalar!(
        r#"select exists (select from audit_records where method = 'PromoteMasterKey') as "is_there!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(is_there)
}

/// Gives records that are in no chain their places. Whoever put them there says nothing of rows by them.
///
/// # Errors
/// As every query.
pub async fn adopt(conn: &mut PgConnection, links: &[(i64, Link)]) -> Result<()> {
    let sequences: Vec<i64> = links.iter().map(|(sequence, _)| *sequence).collect();
    let writers: Vec<Uuid> = links.iter().map(|(_, link)| link.writer).collect();
    let places: Vec<i64> = links.iter().map(|(_, link)| link.sequence).collect();
    let previous: Vec<Vec<u8>> = links.iter().map(|(_, l)| l.previous.clone()).collect();
    let macs: Vec<Vec<u8>> = links.iter().map(|(_, link)| link.mac.clone()).collect();
    sqlx::query!(
        "update audit_records r set writer = l.writer, writer_sequence = l.place, previous = l.previous, mac = l.mac, rows = null
        from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bytea[], $5::bytea[]) as l (sequence, writer, place, previous, mac)
        where r.sequence = l.sequence",
        &sequences,
        &writers,
        &places,
        &previous,
        &macs
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
    let rows = sqlx::query_as!(
        Columns,
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
    Ok(rows.into_iter().map(AuditRecord::from).collect())
}

/// The records of these numbers.
///
/// # Errors
/// As every query.
pub async fn of_numbers(conn: &mut PgConnection, numbers: &[i64]) -> Result<Vec<AuditRecord>> {
    let rows = sqlx::query_as!(
        Columns,
        "select sequence, record_time, caller, method, resource, reason, source, summary from audit_records where sequence = any($1)",
        numbers
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AuditRecord::from).collect())
}
