//! `ListKeys`.

use super::guard::found;
use super::key_view::{KeyView, view_all};
use super::page::Page;
use super::{Result, Vault, trust};
use crate::domain::filter::Filter;
use crate::domain::id::Id;
use crate::domain::name::AccountName;
use crate::store::connection::acquire;
use crate::store::{accounts, cluster, keys};

impl Vault {
    /// A page of the keys of an account, or of all, in the order of their names, and the token of the next.
    ///
    /// # Errors
    /// The account does not exist, the database cannot be reached, or a fault.
    pub async fn list_keys(
        &self,
        account: Option<&Id>,
        page: &Page,
        filter: &Filter,
    ) -> Result<(Vec<KeyView>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let now = cluster::now(&mut conn).await?;
        let mut rows = keys::list(&mut conn, account, page.slice(), filter).await?;
        if let Some(account) = account.filter(|_| rows.is_empty()) {
            // A name that is misspelt is not an account without keys.
            let name = AccountName(account.clone());
            found(accounts::find(&mut conn, account).await?, &name)?;
        }
        let next = page.cut(&self.keys, &mut rows, |row| {
            format!("{}/{}", row.account_id, row.key.resource.id)
        });
        let rows = rows.into_iter().map(|row| row.key).collect();
        let keys = trust::read_keys(&mut conn, &self.keys, rows).await?;
        Ok((view_all(&mut conn, keys, now).await?, next))
    }
}
