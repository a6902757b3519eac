//! `ListLimits`.

use super::get_limit::owner_of;
use super::page::Page;
use super::{Result, Vault};
use crate::domain::name::OwnerName;
use crate::store::connection::acquire;
use crate::store::limits;

impl Vault {
    /// A page of the limits of an owner in the order of their names, and the token of the next.
    ///
    /// # Errors
    /// The owner does not exist.
    pub async fn list_limits(
        &self,
        owner: &OwnerName,
        page: &Page,
    ) -> Result<(Vec<limits::Read>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let owner = owner_of(&mut conn, owner).await?;
        let mut rows = limits::list(&mut conn, owner, page.slice()).await?;
        let next = page.cut(&self.keys, &mut rows, |row| match row {
            Ok(limit) => limit.id.to_string(),
            Err(unread) => unread.id.clone(),
        });
        Ok((rows, next))
    }
}
