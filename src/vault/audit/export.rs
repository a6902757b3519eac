//! `keylease audit export`: every row of every chain, with its place, page by page as of one moment.

use serde_json::{Value, json};

use crate::domain::chain::{Chain, Link};
use crate::domain::journal::JournalRecord;
use crate::store::audit_chains;
use crate::store::audit_records::{AuditRecord, chained};
use crate::store::connection::begin;
use crate::store::lease_journal;
use crate::vault::{Result, Vault};

use super::verify::{BEGIN, PAGE_ROWS};
use super::written;

impl Vault {
    /// Hands every row to `take`, chain by chain, until it says that nobody reads any more.
    ///
    /// # Errors
    /// As every query.
    pub async fn export_audit(&self, mut take: impl FnMut(Value) -> bool) -> Result<()> {
        let mut conn = begin(&self.pool, BEGIN).await?;
        for row in audit_chains::list(&mut conn, Chain::Changes).await? {
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
