//! Records along their chains: for whoever verifies, exports or removes them.

use sqlx::PgConnection;
use uuid::Uuid;

use super::AuditRecord;
use crate::domain::chain::Link;
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::convert::{offset, timestamp};

/// Records of a writer after a place in its chain, in the order of the chain. A place is the sequence in the chain and, of rows that claim
/// the same, the record's own number.
///
/// # Errors
/// As every query.
pub async fn along(
    conn: &mut PgConnection,
    writer: Uuid,
    (place, number): (i64, i64),
    rows_max: i64,
) -> Result<Vec<(AuditRecord, Link)>> {
    // Whoever empties a column by hand must not get past by that: what is missing is a hash that never holds.
    let rows = sqlx::query!(
        r#"select sequence, record_time, caller, method, resource, reason, source, summary, writer_sequence as "writer_sequence!",
            coalesce(previous, '') as "previous!", coalesce(mac, '') as "mac!", rows
        from audit_records where writer = $1 and (writer_sequence, sequence) > ($2, $3)
        order by writer_sequence, sequence limit $4"#,
        writer,
        place,
        number,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let records = rows.into_iter().map(|row| {
        let record = AuditRecord {
            sequence: row.sequence,
            record_time: timestamp(row.record_time),
            caller: row.caller,
            method: row.method,
            resource: row.resource,
            reason: row.reason,
            source: row.source,
            summary: row.summary,
            rows: row.rows,
        };
        let link = Link {
            writer,
            sequence: row.writer_sequence,
            previous: row.previous,
            mac: row.mac,
        };
        (record, link)
    });
    Ok(records.collect())
}

/// Writers of records that have no chain of changes, each with its first place: at most so many.
///
/// # Errors
/// As every query.
pub async fn headless(conn: &mut PgConnection, rows_max: i64) -> Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"select writer as "writer!", min(writer_sequence) as "first!" from audit_records r
        where writer is not null and writer_sequence is not null
            and not exists (select from audit_chains c where c.chain = 'changes' and c.writer = r.writer)
        group by writer order by writer limit $1"#,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.writer, row.first))
        .collect())
}

/// The first place in a writer's chain whose record is not older than this.
///
/// # Errors
/// As every query.
pub async fn first_since(
    conn: &mut PgConnection,
    writer: Uuid,
    since: Timestamp,
) -> Result<Option<i64>> {
    let first = sqlx::query_scalar!(
        "select writer_sequence from audit_records where writer = $1 and writer_sequence is not null and record_time >= $2
        order by writer_sequence limit 1",
        writer,
        offset(since)
    )
    .fetch_optional(conn)
    .await?;
    Ok(first.flatten())
}

/// Removes the records of a writer up to a place in its chain.
///
/// # Errors
/// As every query.
pub async fn remove(conn: &mut PgConnection, writer: Uuid, last: i64) -> Result<()> {
    sqlx::query!(
        "delete from audit_records where writer = $1 and writer_sequence <= $2",
        writer,
        last
    )
    .execute(conn)
    .await?;
    Ok(())
}
