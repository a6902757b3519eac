//! `ListAccounts`.

use super::account_view::{AccountView, view_all};
use super::page::Page;
use super::{Result, Vault, trust};
use crate::domain::filter::Filter;
use crate::domain::name::AccountName;
use crate::store::connection::acquire;
use crate::store::{accounts, cluster};

impl Vault {
    /// A page of accounts in the order of their names, and the token of the next.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn list_accounts(
        &self,
        page: &Page,
        filter: &Filter,
    ) -> Result<(Vec<AccountView>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let now = cluster::now(&mut conn).await?;
        let mut rows = accounts::list(&mut conn, page.slice(), filter).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.resource.id.to_string());
        let judged = rows.into_iter().map(|row| {
            let name = AccountName(row.resource.id.clone()).to_string();
            let distrust = trust::of_row(&self.keys, &row, &name);
            let mut account = row.resource;
            account.meta.distrust = distrust;
            account
        });
        let accounts = judged.collect();
        Ok((view_all(&mut conn, accounts, now).await?, next))
    }
}
