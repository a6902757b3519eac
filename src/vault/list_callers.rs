//! `ListCallers`.

use super::caller_rows::with_grants;
use super::page::Page;
use super::{Result, Vault, trust};
use crate::domain::caller::Caller;
use crate::domain::filter::Filter;
use crate::domain::name::CallerName;
use crate::store::callers;
use crate::store::connection::acquire;

impl Vault {
    /// A page of callers in the order of their names, and the token of the next.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn list_callers(
        &self,
        page: &Page,
        filter: &Filter,
    ) -> Result<(Vec<Caller>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let mut rows = callers::list(&mut conn, page.slice(), filter).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.resource.id.to_string());
        let judged = rows.into_iter().map(|row| {
            let name = CallerName(row.resource.id.clone()).to_string();
            let distrust = trust::of_row(&self.keys, &row, &name);
            let mut caller = row.resource;
            caller.meta.distrust = distrust;
            caller
        });
        let callers = judged.collect();
        Ok((with_grants(&mut conn, &self.keys, callers).await?, next))
    }
}
