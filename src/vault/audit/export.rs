//! `keylease audit export`: every chain and every row of it, with its place, page by page as of one moment.

use serde_json::{Value, json};

use crate::domain::chain::{Chain, Link};
use crate::domain::journal::JournalRecord;
use crate::store::audit_chains::{self, ChainRow, EndRow};
use crate::store::audit_records::{AuditRecord, chained};
use crate::store::connection::begin;
use crate::store::lease_journal;
use crate::vault::{Result, Vault};

use super::verify::{BEGIN, PAGE_ROWS};
use super::written;

impl Vault {
    /// Hands every row to `take`, chain by chain, each behind its chain's birth and ends, until it says that nobody reads any more.
    ///
    /// # Errors
    /// As every query.
    pub async fn export_audit(&self, mut take: impl FnMut(Value) -> bool) -> Result<()> {
        let mut conn = begin(&self.pool, BEGIN).await?;
        for row in audit_chains::list(&mut conn, Chain::Changes).await? {
            if !take(chain(&row)) {
                return Ok(());
            }
            let mut place = (i64::MIN, i64::MIN);
            loop {
                let page = chained::along(&mut conn, row.writer, place, PAGE_ROWS).await?;
                let Some((last, link)) = page.last() else {
                    break;
                };
                place = (link.sequence, last.sequence);
                if !page.iter().all(|(record, link)| take(change(record, link))) {
                    return Ok(());
                }
            }
        }
        for row in audit_chains::list(&mut conn, Chain::Leases).await? {
            if !take(chain(&row)) {
                return Ok(());
            }
            let mut place = (i64::MIN, i64::MIN);
            loop {
                let page = lease_journal::along(&mut conn, row.writer, place, PAGE_ROWS).await?;
                let Some((last, link)) = page.last() else {
                    break;
                };
                place = (link.sequence, last.number);
                if !page
                    .iter()
                    .all(|(row, link)| take(lease(&row.record, link)))
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// What a chain's rows are verified by: its birth, from which the first follows, the anchor where that is gone, and the head.
fn chain(row: &ChainRow) -> Value {
    let end = |end: &EndRow| {
        json!({
            "sequence": end.sequence,
            "hash": super::hex(&end.hash),
            "mac": super::hex(&end.mac),
        })
    };
    json!({
        "chain": row.chain.as_str(),
        "writer": row.writer.to_string(),
        "create_time": written(row.create_time),
        "witnessed": super::hex(&row.witnessed),
        "birth_mac": super::hex(&row.birth_mac),
        "anchor": end(&row.anchor),
        "head": end(&row.head),
    })
}

fn lease(record: &JournalRecord, link: &Link) -> Value {
    let mut value = json!({
        "kind": record.kind(),
        "record_time": written(record.record_time),
        "pool": record.pool,
        "key": record.key,
        "version": record.version,
        "caller": record.caller,
        "leases": record.leases,
        "uses": record.uses,
        "lease": record.lease,
        "tags": record.tags,
    });
    place(&mut value, Chain::Leases, link);
    value
}

fn change(record: &AuditRecord, link: &Link) -> Value {
    let mut value = json!({
        "sequence": record.sequence,
        "record_time": written(record.record_time),
        "caller": record.caller,
        "method": record.method,
        "resource": record.resource,
        "reason": record.reason,
        "source": record.source,
        "summary": record.summary,
        "rows": record.rows.as_deref().map(super::hex),
    });
    place(&mut value, Chain::Changes, link);
    value
}

/// Adds a row's place, from which whoever has the key can verify it.
fn place(value: &mut Value, chain: Chain, link: &Link) {
    value["chain"] = chain.as_str().into();
    value["writer"] = link.writer.to_string().into();
    value["writer_sequence"] = link.sequence.into();
    value["previous"] = super::hex(&link.previous).into();
    value["mac"] = super::hex(&link.mac).into();
}
