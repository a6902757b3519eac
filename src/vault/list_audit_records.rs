//! `ListAuditRecords`.

use super::page::Page;
use super::{Result, Vault};
use crate::store::audit_records::{self, AuditRecord};
use crate::store::connection::acquire;

impl Vault {
    /// A page of audit records, newest first, and the token of the next; only about a resource and what is below it, if set.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn list_audit_records(
        &self,
        resource: Option<&str>,
        page: &Page,
    ) -> Result<(Vec<AuditRecord>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let slice = page.slice();
        let before = slice.after.and_then(|sequence| sequence.parse().ok());
        let mut rows = audit_records::list(&mut conn, before, resource, slice.rows_max).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.sequence.to_string());
        Ok((rows, next))
    }
}
