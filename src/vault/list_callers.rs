//! `ListCallers`.

use super::caller_rows::{at, with_grants};
use super::page::Page;
use super::{Result, Vault, trust};
use crate::domain::caller::Caller;
use crate::domain::filter::Filter;
use crate::domain::name::CallerName;
use crate::store::connection::acquire;
use crate::store::{callers, cluster};

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
        let now = cluster::now(&mut conn).await?;
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
        let callers = with_grants(&mut conn, &self.keys, callers).await?;
        let callers = callers.into_iter().map(|caller| at(caller, now));
        Ok((callers.collect(), next))
    }
}
