//! `ListPools`.

use super::page::Page;
use super::pool_view::{PoolView, view_all, with_members};
use super::{Result, Vault, trust};
use crate::domain::filter::Filter;
use crate::domain::name::PoolName;
use crate::store::connection::acquire;
use crate::store::{cluster, pools};

impl Vault {
    /// A page of pools in the order of their names, and the token of the next.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn list_pools(
        &self,
        page: &Page,
        filter: &Filter,
    ) -> Result<(Vec<PoolView>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let now = cluster::now(&mut conn).await?;
        let mut rows = pools::list(&mut conn, page.slice(), filter).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.resource.id.to_string());
        let judged = rows.into_iter().map(|row| {
            let name = PoolName(row.resource.id.clone()).to_string();
            let distrust = trust::of_row(&self.keys, &row, &name);
            let mut pool = row.resource;
            pool.meta.distrust = distrust;
            pool
        });
        let pools = with_members(&mut conn, &self.keys, judged.collect()).await?;
        Ok((view_all(&mut conn, pools, now).await?, next))
    }
}
