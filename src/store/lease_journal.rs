//! Table `lease_journal`: leases and counts of them, each row in the chain of its writer.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::chain::Link;
use crate::domain::journal::JournalRecord;
use crate::domain::time::Timestamp;

/// A record as stored, and what tells it from others that claim the same place.
#[derive(Debug, Clone)]
pub struct JournalRow {
    /// The record.
    pub record: JournalRecord,
    /// What the row says the record is, which follows from it.
    pub kind: String,
    /// Chosen by the database; nothing rests on it.
    pub number: i64,
}

/// Inserts a batch of records in the order of their chain.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, rows: &[(&JournalRecord, Link)]) -> Result<()> {
    let texts = |of: fn(&JournalRecord) -> &str| -> Vec<String> {
        rows.iter().map(|(r, _)| of(r).to_owned()).collect()
    };
    let numbers = |of: fn(&JournalRecord) -> i64| -> Vec<i64> {
        rows.iter().map(|(record, _)| of(record)).collect()
    };
    let writers: Vec<Uuid> = rows.iter().map(|(_, link)| link.writer).collect();
    let sequences: Vec<i64> = rows.iter().map(|(_, link)| link.sequence).collect();
    let times: Vec<OffsetDateTime> = rows.iter().map(|(r, _)| offset(r.record_time)).collect();
    let previous: Vec<Vec<u8>> = rows.iter().map(|(_, l)| l.previous.clone()).collect();
    let macs: Vec<Vec<u8>> = rows.iter().map(|(_, link)| link.mac.clone()).collect();
    sqlx::query!(
        "insert into lease_journal (writer, sequence, kind, record_time, pool, key, version, caller, leases, uses, lease, tags,
            previous, mac)
        select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::bigint[],
            $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::bytea[], $14::bytea[])",
        &writers,
        &sequences,
        &texts(|record| record.kind()),
        &times,
        &texts(|record| &record.pool),
        &texts(|record| &record.key),
        &numbers(|record| record.version),
        &texts(|record| &record.caller),
        &numbers(|record| record.leases),
        &numbers(|record| record.uses),
        &texts(|record| &record.lease),
        &texts(|record| &record.tags),
        &previous,
        &macs
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records of a writer after a place in its chain, in the order of the chain.
///
/// # Errors
/// As every query.
pub async fn along(
    conn: &mut PgConnection,
    writer: Uuid,
    (place, number): (i64, i64),
    rows_max: i64,
) -> Result<Vec<(JournalRow, Link)>> {
    let rows = sqlx::query!(
        "select sequence, number, kind, record_time, pool, key, version, caller, leases, uses, lease, tags, previous, mac
        from lease_journal where writer = $1 and (sequence, number) > ($2, $3)
        order by sequence, number limit $4",
        writer,
        place,
        number,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let record = JournalRecord {
            record_time: timestamp(row.record_time),
            pool: row.pool,
            key: row.key,
            version: row.version,
            caller: row.caller,
            leases: row.leases,
            uses: row.uses,
            lease: row.lease,
            tags: row.tags,
        };
        let link = Link {
            writer,
            sequence: row.sequence,
            previous: row.previous,
            mac: row.mac,
        };
        let (kind, number) = (row.kind, row.number);
        (
            JournalRow {
                record,
                kind,
                number,
            },
            link,
        )
    });
    Ok(rows.collect())
}

/// Writers of rows that have no chain of leases, each with its first place: at most so many.
///
/// # Errors
/// As every query.
pub async fn headless(conn: &mut PgConnection, rows_max: i64) -> Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"select writer, min(sequence) as "first!" from lease_journal j
        where not exists (select from audit_chains c where c.chain = 'leases' and c.writer = j.writer)
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
        "select sequence from lease_journal where writer = $1 and record_time >= $2 order by sequence limit 1",
        writer,
        offset(since)
    )
    .fetch_optional(conn)
    .await?;
    Ok(first)
}

/// Removes the records of a writer up to a place in its chain.
///
/// # Errors
/// As every query.
pub async fn remove(conn: &mut PgConnection, writer: Uuid, last: i64) -> Result<()> {
    sqlx::query!(
        "delete from lease_journal where writer = $1 and sequence <= $2",
        writer,
        last
    )
    .execute(conn)
    .await?;
    Ok(())
}
