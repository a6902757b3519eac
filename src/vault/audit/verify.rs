//! `keylease audit verify`: every row of every chain, from birth or anchor to head, as of one moment.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::hashes::{self, End};
use super::report::{AuditReport, FINDINGS_MAX};
use super::standing;
use crate::crypto::MacKey;
use crate::domain::chain::{self, Chain, Fault, Finding, Head, Link, Sighting, Sightings};
use crate::store::audit_chains::{self, ChainRow};
use crate::store::audit_records::{self, AuditRecord, chained};
use crate::store::connection::begin;
use crate::store::{self, audit_standing, cluster, lease_journal};
use crate::vault::{Result, Vault};

mod walking;

/// Rows that are read at a time.
pub(super) const PAGE_ROWS: i64 = 1_000;
/// One moment for all that is read, however long that takes; nothing is written.
pub(in crate::vault) const BEGIN: &str = "begin isolation level repeatable read read only";

/// Heads of a kind of chain, as others have seen them.
type Seen = HashMap<Uuid, Sightings>;

impl Vault {
    /// Verifies all chains, also against heads that were noted elsewhere.
    ///
    /// # Errors
    /// As every query. What is wrong with the rows is no error.
    pub async fn verify_audit(&self, noted: &[(Chain, Sighting)]) -> Result<AuditReport> {
        let mut transaction = begin(&self.pool, BEGIN).await?;
        let (key, mut report) = (&self.keys.audit, AuditReport::default());
        let mut rows = Vec::new();
        for chain in Chain::ALL {
            let noted = noted.iter().filter(|(of, _)| *of == chain);
            let noted: Vec<Sighting> = noted.map(|(_, sighting)| *sighting).collect();
            let verified = chains(
                &mut transaction,
                key,
                (chain, &noted),
                &mut report,
                |_, _| {},
            );
            rows.extend(verified.await?);
        }
        judge_all(&mut transaction, key, &rows, &mut report).await?;
        Ok(report.concluded())
    }
}

/// Verifies the chains of changes within a transaction that began by [`BEGIN`], and hands each record that is what was written to `take`.
pub(in crate::vault) async fn proven_changes(
    conn: &mut PgConnection,
    key: &MacKey,
    take: impl FnMut(&AuditRecord, &Link) + Send,
) -> store::Result<AuditReport> {
    let mut report = AuditReport::default();
    let mut rows = chains(conn, key, (Chain::Changes, &[]), &mut report, take).await?;
    rows.extend(audit_chains::list(conn, Chain::Leases).await?);
    judge_all(conn, key, &rows, &mut report).await?;
    Ok(report.concluded())
}

/// Tells what is wrong with all chains together.
async fn judge_all(
    conn: &mut PgConnection,
    key: &MacKey,
    rows: &[ChainRow],
    report: &mut AuditReport,
) -> store::Result<()> {
    let stored = audit_standing::find(conn).await?;
    let is_used = cluster::rev(conn).await? > 0;
    standing::judge(key, stored, is_used, rows, report);
    Ok(())
}

/// Verifies the chains of a kind, also against heads that were noted elsewhere.
async fn chains(
    conn: &mut PgConnection,
    key: &MacKey,
    (chain, noted): (Chain, &[Sighting]),
    report: &mut AuditReport,
    mut take: impl FnMut(&AuditRecord, &Link) + Send,
) -> store::Result<Vec<ChainRow>> {
    let rows = audit_chains::list(conn, chain).await?;
    let mut seen = seen(key, &rows, noted);
    for row in &rows {
        let sightings = seen.remove(&row.writer).unwrap_or_default();
        walking::walk(conn, key, (row, sightings), report, &mut take).await?;
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

/// Rows of no chain, and rows of chains that are not there.
async fn astray(conn: &mut PgConnection, chain: Chain) -> store::Result<Vec<Finding>> {
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
