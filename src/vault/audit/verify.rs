//! `keylease audit verify`: every row of every chain, from birth or anchor to head, as of one moment.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::hashes::{self, Chained, End};
use super::report::{AuditReport, ChainReport, FINDINGS_MAX};
use super::standing;
use crate::crypto::MacKey;
use crate::domain::chain::{self, Chain, Fault, Finding, Head, Link, Sighting, Sightings, Walk};
use crate::store::audit_chains::{self, ChainRow};
use crate::store::audit_records::{self, AuditRecord, chained};
use crate::store::connection::begin;
use crate::store::lease_journal::{self, JournalRow};
use crate::store::{audit_standing, cluster};
use crate::vault::{Result, Vault};

/// Rows that are read at a time.
pub(super) const PAGE_ROWS: i64 = 1_000;
/// One moment for all that is read, however long that takes; nothing is written.
pub(super) const BEGIN: &str = "begin isolation level repeatable read read only";

/// Heads of a kind of chain, as others have seen them.
type Seen = HashMap<Uuid, Sightings>;

impl Vault {
    /// Verifies all chains, also against heads that were noted elsewhere.
    ///
    /// # Errors
    /// As every query. What is wrong with the rows is no error.
    pub async fn verify_audit(&self, noted: &[(Chain, Sighting)]) -> Result<AuditReport> {
        let mut transaction = begin(&self.pool, BEGIN).await?;
        let mut report = AuditReport::default();
        let mut rows = Vec::new();
        for chain in Chain::ALL {
            let noted = noted.iter().filter(|(of, _)| *of == chain);
            let noted: Vec<Sighting> = noted.map(|(_, sighting)| *sighting).collect();
            let verified = self.verify_chains(&mut transaction, chain, &noted, &mut report);
            rows.extend(verified.await?);
        }
        let stored = audit_standing::find(&mut transaction).await?;
        let is_used = cluster::rev(&mut transaction).await? > 0;
        standing::judge(&self.keys.audit, stored, is_used, &rows, &mut report);
        Ok(report.concluded())
    }

    async fn verify_chains(
        &self,
        conn: &mut PgConnection,
        chain: Chain,
        noted: &[Sighting],
        report: &mut AuditReport,
    ) -> Result<Vec<ChainRow>> {
        let key = &self.keys.audit;
        let rows = audit_chains::list(conn, chain).await?;
        let mut seen = seen(key, &rows, noted);
        for row in &rows {
            let sightings = seen.remove(&row.writer).unwrap_or_default();
            walk(conn, key, row, sightings, report).await?;
        }
        // What is left was seen of chains that are not there.
        for (writer, sightings) in seen {
            let last = sightings.keys().next_back().copied().unwrap_or_default();
            report.tell(&Finding {
                chain,
                writer: Some(writer),
                sequence: last,
                fault: Fault::HeadMissing,
            });
        }
        for finding in astray(conn, chain).await? {
            report.tell(&finding);
        }
        Ok(rows)
    }
}

/// What chains noted of others as they began, and what was noted elsewhere. A birth that is not what was written notes nothing.
fn seen(key: &MacKey, rows: &[ChainRow], noted: &[Sighting]) -> Seen {
    let born = rows.iter().filter(|row| is_born(key, row));
    let sightings = born.flat_map(|row| chain::decode(&row.witnessed));
    let mut seen = Seen::new();
    for sighting in sightings.chain(noted.iter().copied()) {
        let of_writer = seen.entry(sighting.writer).or_default();
        let hashes = of_writer.entry(sighting.head.sequence).or_default();
        if !hashes.contains(&sighting.head.hash) {
            hashes.push(sighting.head.hash);
        }
    }
    seen
}

fn is_born(key: &MacKey, row: &ChainRow) -> bool {
    hashes::birth(key, row).as_slice() == row.birth_mac.as_slice()
}

/// Both ends, as far as they are what was signed, and follow from the birth.
fn ends(key: &MacKey, row: &ChainRow) -> Option<(Head, Head)> {
    let (chain, writer) = (row.chain, row.writer);
    let anchor = End::Anchor.open(key, chain, writer, &row.anchor)?;
    let head = End::Head.open(key, chain, writer, &row.head)?;
    let begins = anchor.sequence > 0 || anchor.hash.as_slice() == row.birth_mac.as_slice();
    (is_born(key, row) && begins && anchor.sequence <= head.sequence).then_some((anchor, head))
}

/// Walks along one chain.
async fn walk(
    conn: &mut PgConnection,
    key: &MacKey,
    row: &ChainRow,
    sightings: Sightings,
    report: &mut AuditReport,
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
        Chain::Changes => records(conn, key, walk, writer).await?,
        Chain::Leases => leases(conn, key, walk, writer).await?,
    };
    findings.iter().for_each(|finding| report.tell(finding));
    report.chains.push(ChainReport {
        chain: chain.as_str().to_owned(),
        writer,
        rows,
        anchor: row.anchor.sequence,
        head: row.head.sequence,
        head_hash: super::hex(&row.head.hash),
    });
    Ok(())
}

/// The rows of a chain of changes.
async fn records(
    conn: &mut PgConnection,
    key: &MacKey,
    mut walk: Walk,
    writer: Uuid,
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
        step(key, &mut walk, page, &mut suspects);
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
        step(key, &mut walk, page, &mut suspects);
    }
}

fn step<R: Chained>(
    key: &MacKey,
    walk: &mut Walk,
    page: Vec<(R, Link)>,
    suspects: &mut Vec<(R, Link)>,
) {
    for (record, link) in page {
        let holds = record.holds(key, &link);
        walk.step(&link, holds);
        if !holds && suspects.len() < walk.changed().len() {
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

/// Rows of no chain, and rows of chains that are not there.
async fn astray(conn: &mut PgConnection, chain: Chain) -> Result<Vec<Finding>> {
    let rows_max = i64::try_from(FINDINGS_MAX).unwrap_or(i64::MAX);
    let mut findings = Vec::new();
    if chain == Chain::Changes {
        let unchained = audit_records::unchained(conn, rows_max).await?;
        findings.extend(unchained.iter().map(|record| Finding {
            chain,
            writer: None,
            sequence: record.sequence,
            fault: Fault::Unchained,
        }));
    }
    let headless = match chain {
        Chain::Changes => chained::headless(conn, rows_max).await?,
        Chain::Leases => lease_journal::headless(conn, rows_max).await?,
    };
    findings.extend(headless.into_iter().map(|(writer, first)| Finding {
        chain,
        writer: Some(writer),
        sequence: first,
        fault: Fault::HeadMissing,
    }));
    Ok(findings)
}
