//! `ListTokens`.

use super::guard::found;
use super::page::Page;
use super::{Result, Vault, trust};
use crate::domain::caller::Token;
use crate::domain::name::CallerName;
use crate::store::connection::acquire;
use crate::store::{callers, tokens};

impl Vault {
    /// A page of the tokens of a caller in the order of their names, good or not, and the token of the next page.
    ///
    /// # Errors
    /// The caller does not exist.
    pub async fn list_tokens(
        &self,
        caller: &CallerName,
        page: &Page,
    ) -> Result<(Vec<Token>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let owner = found(callers::find(&mut conn, &caller.0).await?, caller)?;
        let uid = owner.resource.meta.uid;
        let mut rows = tokens::list(&mut conn, uid, page.slice()).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.resource.id.clone());
        let judged = rows.into_iter().map(|row| {
            let name = format!("token {}", row.resource.id);
            let distrust = trust::of_row(&self.keys, &row, &name);
            Token {
                distrust,
                ..row.resource
            }
        });
        Ok((judged.collect(), next))
    }
}
