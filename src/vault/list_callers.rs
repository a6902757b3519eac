//! `ListCallers`.

use super::caller_rows::with_grants;
use super::page::Page;
use super::{Result, Vault};
use crate::domain::caller::Caller;
use crate::domain::filter::Filter;
use crate::store::callers;

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
        let mut conn = self.pool.acquire().await?;
        let mut rows = callers::list(&mut conn, page.slice(), filter).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.resource.id.to_string());
        let callers = rows.into_iter().map(|row| row.resource).collect();
        Ok((with_grants(&mut conn, &self.keys, callers).await?, next))
    }
}
