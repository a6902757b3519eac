//! A walk along the rows of one chain.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::hashes::Chained;
use super::super::hex;
use super::super::report::{AuditReport, ChainReport};
use super::{PAGE_ROWS, ends};
use crate::crypto::MacKey;
use crate::domain::chain::{Chain, Fault, Finding, Link, Sightings, Walk};
use crate::store::Result;
use crate::store::audit_chains::ChainRow;
use crate::store::audit_records::{AuditRecord, chained};
use crate::store::lease_journal::{self, JournalRow};

/// Walks along one chain; `take` is given the records of changes that are what was written.
pub(super) async fn walk(
    conn: &mut PgConnection,
    key: &MacKey,
    (row, sightings): (&ChainRow, Sightings),
    report: &mut AuditReport,
    take: &mut (impl FnMut(&AuditRecord, &Link) + Send),
) -> Result<()> {
    let (chain, writer) = (row.chain, row.writer);
    let found = ends(key, row);
    if found.is_none() {
        report.tell(&Finding {
            chain,
            writer: Some(writer),
            sequence: row.head.sequence,
            fault: Fault::HeadChanged,
        });
    }
    // Rows are verified all the same, as far as they go by themselves.
    let walk = match found {
        Some(ends) => Walk::new(chain, writer, ends, sightings),
        None => Walk::unbounded(chain, writer, sightings),
    };
    let (rows, findings) = match chain {
        Chain::Changes => records(conn, key, (walk, writer), take).await?,
        Chain::Leases => leases(conn, key, walk, writer).await?,
    };
    findings.iter().for_each(|finding| report.tell(finding));
    report.chains.push(ChainReport {
        chain: chain.as_str().to_owned(),
        writer,
        rows,
        anchor: row.anchor.sequence,
        head: row.head.sequence,
        head_hash: hex(&row.head.hash),
    });
    Ok(())
}

/// The rows of a chain of changes.
async fn records(
    conn: &mut PgConnection,
    key: &MacKey,
    (mut walk, writer): (Walk, Uuid),
    take: &mut (impl FnMut(&AuditRecord, &Link) + Send),
) -> Result<(u64, Vec<Finding>)> {
    let mut suspects: Vec<(AuditRecord, Link)> = Vec::new();
    let mut place = (i64::MIN, i64::MIN);
    loop {
        let page = chained::along(conn, writer, place, PAGE_ROWS).await?;
        let Some((last, link)) = page.last() else {
            walk.end();
            acquit(key, &mut walk, &suspects);
            return Ok(walk.into_findings());
        };
        place = (link.sequence, last.sequence);
        step(key, &mut walk, page, &mut suspects, &mut *take);
    }
}

/// The rows of a chain of leases.
async fn leases(
    conn: &mut PgConnection,
    key: &MacKey,
    mut walk: Walk,
    writer: Uuid,
) -> Result<(u64, Vec<Finding>)> {
    let mut suspects: Vec<(JournalRow, Link)> = Vec::new();
    let mut place = (i64::MIN, i64::MIN);
    loop {
        let page = lease_journal::along(conn, writer, place, PAGE_ROWS).await?;
        let Some((last, link)) = page.last() else {
            walk.end();
            acquit(key, &mut walk, &suspects);
            return Ok(walk.into_findings());
        };
        place = (link.sequence, last.number);
        step(key, &mut walk, page, &mut suspects, |_, _| {});
    }
}

fn step<R: Chained>(
    key: &MacKey,
    walk: &mut Walk,
    page: Vec<(R, Link)>,
    suspects: &mut Vec<(R, Link)>,
    mut take: impl FnMut(&R, &Link),
) {
    for (record, link) in page {
        let holds = record.holds(key, &link);
        walk.step(&link, holds);
        if holds {
            take(&record, &link);
        } else if suspects.len() < walk.changed().len() {
            suspects.push((record, link));
        }
    }
}

/// Of rows that are not what was written at their places, tells those that only changed places.
fn acquit<R: Chained>(key: &MacKey, walk: &mut Walk, suspects: &[(R, Link)]) {
    let places: Vec<i64> = walk.changed().to_vec();
    for (record, link) in suspects {
        let moved = places.iter().find(|place| {
            let link = Link {
                sequence: **place,
                ..link.clone()
            };
            record.holds(key, &link)
        });
        if let Some(from) = moved {
            walk.moved(link.sequence, *from);
        }
    }
}
