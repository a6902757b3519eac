//! `ListAuditRecords`.

use super::{Admin, Answer};
use crate::domain::field::{FieldErrors, text};
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::timestamp;
use crate::store::audit_records::AuditRecord;
use crate::vault::Page;

/// The longest resource name there is, with room.
const RESOURCE_BYTES_MAX: usize = 512;

pub(super) async fn audit(
    admin: &Admin,
    _: &Identity,
    request: proto::ListAuditRecordsRequest,
) -> Answer<proto::ListAuditRecordsResponse> {
    let mut errors = FieldErrors::default();
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListAuditRecords", &request.resource],
        request.page_size,
        &request.page_token,
    ));
    let resource = errors.take(text("resource", request.resource, RESOURCE_BYTES_MAX));
    let (resource, page) = errors.ready(resource.zip(page))?;
    let resource = Some(resource.as_str()).filter(|resource| !resource.is_empty());
    let (records, next_page_token) = admin.vault.list_audit_records(resource, &page).await?;
    Ok(proto::ListAuditRecordsResponse {
        records: records.into_iter().map(record).collect(),
        next_page_token,
    })
}

fn record(record: AuditRecord) -> proto::AuditRecord {
    proto::AuditRecord {
        sequence: record.sequence,
        record_time: Some(timestamp(record.record_time)),
        caller: record.caller,
        method: record.method,
        resource: record.resource,
        reason: record.reason,
        source: record.source,
        summary: record.summary,
    }
}
