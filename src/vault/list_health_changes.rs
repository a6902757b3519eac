//! `ListHealthChanges`: what became of the health of a key's versions.

use super::page::Page;
use super::{Result, Vault, get_key};
use crate::domain::name::{KeyName, VersionName};
use crate::store::connection::acquire;
use crate::store::health_changes::{self, HealthChange};

/// A change as it is answered.
#[derive(Debug, Clone)]
pub struct HealthChangeView {
    /// The version.
    pub version: VersionName,
    /// The change.
    pub change: HealthChange,
}

impl Vault {
    /// A page of the changes of a key's versions, newest first, and the token of the next.
    ///
    /// # Errors
    /// The key does not exist.
    pub async fn list_health_changes(
        &self,
        name: &KeyName,
        page: &Page,
    ) -> Result<(Vec<HealthChangeView>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let key = get_key::stored(&mut conn, name).await?;
        let slice = page.slice();
        let before = slice.after.and_then(|id| id.parse().ok());
        let before = before.unwrap_or(i64::MAX);
        let (uid, rows_max) = (key.meta.uid, slice.rows_max);
        let mut rows = health_changes::of_key(&mut conn, uid, before, rows_max).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.id.to_string());
        let views = rows.into_iter().map(|change| HealthChangeView {
            version: VersionName {
                key: name.clone(),
                number: change.number.unsigned_abs(),
            },
            change,
        });
        Ok((views.collect(), next))
    }
}
