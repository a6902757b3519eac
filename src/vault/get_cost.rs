//! `GetCost`.

use super::page::Page;
use super::{Result, Vault};
use crate::domain::spend::Sums;
use crate::store::connection::acquire;
use crate::store::spend::{self, Group, Selection};

impl Vault {
    /// A page of the sums of a selection by what is asked for, and the token of the next. What came in here is written first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn get_cost(
        &self,
        selection: &Selection,
        group_by: &[String],
        page: &Page,
    ) -> Result<(Vec<Group>, String)> {
        self.flush_spend().await?;
        let mut conn = acquire(&self.pool).await?;
        let slice = page.slice();
        let after = slice.after.map(split);
        let after = after.as_deref();
        let mut groups = spend::sum(&mut conn, selection, group_by, after, slice.rows_max).await?;
        if group_by.is_empty() && groups.is_empty() {
            let (values, sums) = (Vec::new(), Sums::default());
            groups.push(Group { values, sums });
        }
        let next = page.cut(&self.keys, &mut groups, |group| {
            group.values.join(SEPARATOR)
        });
        Ok((groups, next))
    }
}

/// Between the values of a group in a page token: none of them has control characters.
const SEPARATOR: &str = "\u{1f}";

fn split(cursor: &str) -> Vec<String> {
    cursor.split(SEPARATOR).map(str::to_owned).collect()
}
