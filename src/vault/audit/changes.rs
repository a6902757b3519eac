//! Records of changes: written in the change's own transaction, behind the last record of this replica.

use sqlx::PgConnection;

use super::hashes::{Chained, End};
use super::writer::Writer;
use crate::crypto::MacKey;
use crate::domain::chain::{Adopted, Chain, Link};
use crate::domain::rows_left::RowsLeft;
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::audit_chains;
use crate::store::audit_records::{self, AuditRecord};
use crate::vault::Change;

/// Records that were there before there were chains, adopted at a time.
const ADOPTED_MAX: i64 = 1_000;

/// The records of a change: resources, and what became of each. None says yet what it left of rows, which is another word than none.
pub(in crate::vault) fn records(
    change: &Change,
    notes: Vec<(String, String)>,
    (rev, now): (i64, Timestamp),
) -> Vec<AuditRecord> {
    let (rows, cut) = (Vec::new(), None);
    let nothing = RowsLeft { rev, rows, cut }.encode();
    let record = |(resource, summary)| AuditRecord {
        sequence: 0,
        record_time: now,
        caller: change.caller.name.clone(),
        method: change.method.to_owned(),
        resource,
        reason: change.reason.clone(),
        source: change.source.clone(),
        summary,
        rows: Some(nothing.clone()),
    };
    notes.into_iter().map(record).collect()
}

/// Writes records; all changes of the fleet wait for each other, so nobody else writes meanwhile. Gives what is to be remembered once it
/// is committed.
pub(in crate::vault) async fn append(
    conn: &mut PgConnection,
    key: &MacKey,
    writer: Writer,
    mut records: Vec<AuditRecord>,
    now: Timestamp,
) -> Result<Writer> {
    let (id, mut head) = writer.locked(conn, key, Chain::Changes, now).await?;
    let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
    let sequences = audit_records::take_sequences(conn, count).await?;
    for (record, sequence) in records.iter_mut().zip(sequences) {
        record.sequence = sequence;
        let (link, next) = record.behind(key, id, head);
        audit_records::insert(conn, record, &link).await?;
        head = next;
    }
    let signed = End::Head.sign(key, Chain::Changes, id, head);
    audit_chains::advance(conn, Chain::Changes, id, &signed).await?;
    Ok(Writer {
        id,
        head: Some(head),
    })
}

/// Puts the records of releases without chains into a first chain, as they are found: from here on they cannot be changed unseen either.
/// Gives that, and how many they were.
pub(in crate::vault) async fn adopt(
    conn: &mut PgConnection,
    key: &MacKey,
    writer: Writer,
    now: Timestamp,
) -> Result<(Writer, Adopted)> {
    let (id, mut head) = writer.locked(conn, key, Chain::Changes, now).await?;
    loop {
        let records = audit_records::unchained(conn, ADOPTED_MAX).await?;
        if records.is_empty() {
            break;
        }
        let mut links: Vec<(i64, Link)> = Vec::with_capacity(records.len());
        for record in &records {
            let (link, next) = record.behind(key, id, head);
            links.push((record.sequence, link));
            head = next;
        }
        audit_records::adopt(conn, &links).await?;
    }
    let signed = End::Head.sign(key, Chain::Changes, id, head);
    audit_chains::advance(conn, Chain::Changes, id, &signed).await?;
    let adopted = Adopted {
        writer: id,
        rows: head.sequence,
    };
    let head = Some(head);
    Ok((Writer { id, head }, adopted))
}
